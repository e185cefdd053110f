//! The cart with a pole: keep it upright by pushing the cart left or right.
//!
//! Barto, Sutton & Anderson, IEEE Trans. Syst. Man Cybern. 13, 834 (1983), without friction. With force F, masks of
//! cart m_c and pole m_p, half-length l, angle θ and M = m_c + m_p:
//!
//! ```text
//! a = (F + m_p l θ̇² sin θ) / M
//! θ̈ = (g sin θ − a cos θ) / (l (4/3 − m_p cos² θ / M))
//! ẍ = a − m_p l θ̈ cos θ / M
//! ```
//!
//! Euler steps: positions move with the velocities of the step before.

use super::{Answer, Parameter, Rules, Tally, World, Wrong, described};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of the cart-pole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CartPole {
    /// Steps of a session: a pole that stands that long is done with.
    pub steps: usize,
    /// Gravity, m/s².
    pub gravity: f64,
    /// Mass of the cart, kg.
    pub cart_mass: f64,
    /// Mass of the pole, kg.
    pub pole_mass: f64,
    /// Half the length of the pole, m.
    pub half_length: f64,
    /// Force of a push, N.
    pub force: f64,
    /// Time between pushes, s.
    pub step_s: f64,
    /// Distance from the middle at which the cart is off the track, m.
    pub position_limit: f64,
    /// Angle from upright at which the pole has fallen, degrees.
    pub angle_limit: f64,
    /// Position, velocity, angle and angular velocity begin uniform in ± this.
    pub start: f64,
}

impl Default for CartPole {
    fn default() -> Self {
        Self {
            steps: 200,
            gravity: 9.8,
            cart_mass: 1.0,
            pole_mass: 0.1,
            half_length: 0.5,
            force: 10.0,
            step_s: 0.02,
            position_limit: 2.4,
            angle_limit: 12.0,
            start: 0.05,
        }
    }
}

impl Rules for CartPole {
    fn inputs(&self) -> Vec<String> {
        ["POSITION", "VELOCITY", "ANGLE", "ANGULAR-VELOCITY"]
            .map(str::to_owned)
            .to_vec()
    }

    fn actions(&self) -> Vec<String> {
        ["PUSH-LEFT", "PUSH-RIGHT"].map(str::to_owned).to_vec()
    }

    fn n_steps(&self) -> usize {
        self.steps
    }

    fn measures(&self) -> Vec<&str> {
        vec!["balanced"]
    }

    fn check(&self) -> Result<(), Wrong> {
        if self.steps == 0 {
            return Err(Wrong::new("steps", 0, "a whole number ≥ 1"));
        }
        for (name, value) in [
            ("gravity", self.gravity),
            ("cart_mass", self.cart_mass),
            ("pole_mass", self.pole_mass),
            ("half_length", self.half_length),
            ("force", self.force),
            ("step_s", self.step_s),
            ("position_limit", self.position_limit),
            ("angle_limit", self.angle_limit),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Wrong::new(name, value, "a number > 0"));
            }
        }
        if self.start >= 0.0 && self.start.is_finite() {
            Ok(())
        } else {
            Err(Wrong::new("start", self.start, "a number ≥ 0"))
        }
    }

    fn open(&self) -> Box<dyn World> {
        Box::new(Cart {
            rules: self.clone(),
            state: [0.0; 4],
            pushes: 0,
            fallen: false,
        })
    }

    fn parameters(&self) -> Vec<Parameter> {
        described(self)
    }
}

/// One session: position, velocity, angle and angular velocity.
struct Cart {
    rules: CartPole,
    state: [f64; 4],
    pushes: usize,
    fallen: bool,
}

impl World for Cart {
    fn reset(&mut self, stream: &mut ChaCha8Rng) {
        let start = self.rules.start;
        self.state = std::array::from_fn(|_| start * stream.random_range(-1.0..1.0));
        (self.pushes, self.fallen) = (0, false);
    }

    fn observe(&self, inputs: &mut [f64]) {
        inputs.copy_from_slice(&self.state);
    }

    fn act(&mut self, action: usize, _: &mut ChaCha8Rng) -> Answer {
        let r = &self.rules;
        let [x, v, angle, spin] = self.state;
        let force = if action == 1 { r.force } else { -r.force };
        let (sin, cos) = angle.sin_cos();
        let mass = r.cart_mass + r.pole_mass;
        let push = (force + r.pole_mass * r.half_length * spin * spin * sin) / mass;
        let inertia = r.half_length * (4.0 / 3.0 - r.pole_mass * cos * cos / mass);
        let angular = (r.gravity * sin - push * cos) / inertia;
        let linear = push - r.pole_mass * r.half_length * angular * cos / mass;
        let dt = r.step_s;
        self.state = [
            x + dt * v,
            v + dt * linear,
            angle + dt * spin,
            spin + dt * angular,
        ];
        self.pushes += 1;
        self.fallen =
            self.state[0].abs() > r.position_limit || self.state[2].abs() > r.angle_limit.to_radians();
        Answer {
            reward: 1.0 / r.steps as f64,
            ended: self.fallen || self.pushes >= r.steps,
        }
    }

    fn measure(&self, measures: &mut [Tally]) {
        measures[0].count(!self.fallen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neuropil_math::rng::{Key, Purpose};

    fn cart(state: [f64; 4]) -> Cart {
        Cart {
            rules: CartPole::default(),
            state,
            pushes: 0,
            fallen: false,
        }
    }

    #[test]
    fn one_push_from_rest_is_what_the_equations_say() {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let mut world = cart([0.0; 4]);
        world.act(1, &mut stream);
        // a = 10/1.1; θ̈ = −a/(½(4/3 − 0.1/1.1)); ẍ = a − 0.05 θ̈/1.1
        let a = 10.0 / 1.1;
        let angular = -a / (0.5 * (4.0 / 3.0 - 0.1 / 1.1));
        let linear = a - 0.05 * angular / 1.1;
        let expected = [0.0, 0.02 * linear, 0.0, 0.02 * angular];
        for (x, y) in world.state.iter().zip(expected) {
            assert!((x - y).abs() < 1e-12, "{:?}", world.state);
        }
    }

    #[test]
    fn a_pole_that_falls_ends_the_session_and_one_that_stands_lasts_it_out() {
        let mut stream = Key::new(1).stream(Purpose::Test, 0);
        let mut world = cart([0.0, 0.0, 0.2, 2.0]);
        assert!(world.act(0, &mut stream).ended && world.fallen);
        let mut world = cart([0.0, 0.0, 0.01, 0.0]);
        let mut earned = 0.0;
        loop {
            let [_, _, angle, spin] = world.state;
            let answer = world.act(usize::from(angle + spin > 0.0), &mut stream);
            earned += answer.reward;
            if answer.ended {
                break;
            }
        }
        assert!(world.pushes == 200 && !world.fallen && (earned - 1.0_f64).abs() < 1e-12);
    }
}
