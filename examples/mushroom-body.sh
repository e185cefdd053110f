#!/bin/sh
# The learning centre of a brain as a trainable network, beside random networks with the same degrees.
#
# usage: sh examples/mushroom-body.sh [CONNECTOME [FOLDER [CONTROLS [TASK]]]]
#
# Exports the wiring of projection neurons, Kenyon cells, output and modulatory neurons, and of CONTROLS degree-matched
# random wirings; trains a network with each by reward on overlapping-odours.toml (or two-odours.toml, which is easy),
# the real wiring with as many seeds; writes one JSON object per network to FOLDER/results.jsonl. Without a connectome
# it generates one. Nothing is assumed about transmitters, unless SIGNS names a column of the neuron table:
#   SIGNS=sign sh examples/mushroom-body.sh my-brain
set -eu
here=$(dirname "$0")
folder=${2:-runs/mushroom-body}
controls=${3:-10}
task=${4:-$here/overlapping-odours.toml}
mkdir -p "$folder"
brain=${1:-$folder/larva}
if [ $# -eq 0 ]; then
  neuropil connectome simulate "$brain"
fi
case $task in
  *two-odours.toml) odours="ODOUR-A,ODOUR-B" ;;
  *) odours="G1,G2,G3,G4,G5" ;;
esac
neuropil connectome export-rnn "$brain" ${SIGNS:+--signs "$SIGNS"} --json \
  --select "celltype=PN or celltype=KC or celltype=MBON or celltype=MBIN" \
  --input FIXATION=all --deal "$odours=celltype=PN" \
  --output FIXATE=all --output APPROACH=celltype=MBON --output AVOID=celltype=MBON \
  --control degree --controls "$controls" --out "$folder/wiring.npz" > "$folder/wirings.json"
units=$(sed 's/.*"n_units":\([0-9]*\).*/\1/' "$folder/wirings.json")

train() { # wiring, seed, name
  neuropil --quiet train "$task" --seed "$2" --out "$folder/$3" --force --only --json --threads 1 \
    --set "policy.units=$units" --set policy.learning_rate=0.002 --set training.max_updates=3000 \
    --set "policy.masks.w_in=$1" --set "policy.masks.w_gates=$1" --set "policy.masks.w_rec=$1" \
    --set "policy.masks.w_out=$1" ${SIGNS:+--set "policy.signs=$1"} > "$folder/$3.json" || true
}

: > "$folder/results.jsonl.part"
for k in $(seq 1 "$controls"); do
  train "$folder/wiring.npz" "$k" "connectome-s$k" & # the two at once
  train "$folder/wiring-degree-$k.npz" "$k" "control-$k"
  wait
  for name in "connectome-s$k" "control-$k"; do
    tr -d '\n' < "$folder/$name.json" >> "$folder/results.jsonl.part"
    echo >> "$folder/results.jsonl.part"
  done
done
mv "$folder/results.jsonl.part" "$folder/results.jsonl"
