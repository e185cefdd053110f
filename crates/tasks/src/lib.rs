//! What an animal is asked: trials as tables, tasks as TOML, interactive environments.
