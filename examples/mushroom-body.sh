#!/bin/sh
# The learning centre of a brain as a trainable network, beside random networks with the same degrees.
#
# usage: sh examples/mushroom-body.sh [CONNECTOME [FOLDER [CONTROLS]]]
#
# Exports the wiring of projection neurons, Kenyon cells, output and modulatory neurons, and of CONTROLS degree-matched
# random wirings; trains a network with each wiring by reward on two-odours.toml, several seeds of the real one; writes
# one JSON object per network to FOLDER/results.jsonl. Without a connectome it generates one.
set -eu
here=$(dirname "$0")
folder=${2:-runs/mushroom-body}
controls=${3:-10}
mkdir -p "$folder"
brain=${1:-$folder/larva}
if [ $# -eq 0 ]; then
  neuropil connectome simulate "$brain"
fi
neuropil connectome export-rnn "$brain" \
  --select "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN" \
  --input FIXATION=all --deal "ODOUR-A,ODOUR-B=celltype=PN" \
  --output FIXATE=all --output APPROACH=celltype=MBON --output AVOID=celltype=MBON \
  --control degree --controls "$controls" --out "$folder/wiring.npz"
units=$(neuropil connectome export-rnn "$brain" --json \
  --select "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN" \
  --input FIXATION=all --deal "ODOUR-A,ODOUR-B=celltype=PN" \
  --output FIXATE=all --output APPROACH=celltype=MBON --output AVOID=celltype=MBON \
  --out "$folder/wiring.npz" | sed 's/.*"n_units":\([0-9]*\).*/\1/')

train() { # wiring, seed, name
  neuropil --quiet train "$here/two-odours.toml" --seed "$2" --out "$folder/$3" --force --only --json \
    --set "policy.units=$units" --set policy.learning_rate=0.002 --set training.max_updates=2000 \
    --set "policy.masks.w_in=$1" --set "policy.masks.w_gates=$1" --set "policy.masks.w_rec=$1" \
    --set "policy.masks.w_out=$1" || true
}

: > "$folder/results.jsonl.part"
for k in $(seq 1 "$controls"); do
  train "$folder/wiring.npz" "$k" "connectome-s$k" >> "$folder/results.jsonl.part"
  train "$folder/wiring-degree-$k.npz" "$k" "control-$k" >> "$folder/results.jsonl.part"
done
mv "$folder/results.jsonl.part" "$folder/results.jsonl"
