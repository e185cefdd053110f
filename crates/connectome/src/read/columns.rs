//! What the columns of other programs' tables are called.

/// Presynaptic neuron.
pub(super) const PRE: &[&str] = &[
    "pre",
    "pre_id",
    "pre_root_id",
    "pre_pt_root_id",
    "pre_root",
    "pre_pt_supervoxel_id",
    "bodyid_pre",
    "body_pre",
    "pre_bodyid",
    "pre_body",
    "pre_body_id",
    "pre_segment_id",
    "pre_skid",
    "pre_skeleton_id",
    "pre_neuron",
    "pre_name",
    "presyn",
    "presynaptic",
    "presynaptic_id",
    "presynaptic_neuron",
    "presynaptic_root_id",
    "presynaptic_cell",
    "source",
    "source_id",
    "source_neuron",
    "src",
    "from",
    "from_id",
    "upstream",
    "upstream_id",
    "start_id",
    "neuron_1",
    "neuron1",
    "node1",
    "node_1",
    "sender",
];
/// Postsynaptic neuron, in the order of [`PRE`].
pub(super) const POST: &[&str] = &[
    "post",
    "post_id",
    "post_root_id",
    "post_pt_root_id",
    "post_root",
    "post_pt_supervoxel_id",
    "bodyid_post",
    "body_post",
    "post_bodyid",
    "post_body",
    "post_body_id",
    "post_segment_id",
    "post_skid",
    "post_skeleton_id",
    "post_neuron",
    "post_name",
    "postsyn",
    "postsynaptic",
    "postsynaptic_id",
    "postsynaptic_neuron",
    "postsynaptic_root_id",
    "postsynaptic_cell",
    "target",
    "target_id",
    "target_neuron",
    "tgt",
    "to",
    "to_id",
    "downstream",
    "downstream_id",
    "end_id",
    "neuron_2",
    "neuron2",
    "node2",
    "node_2",
    "receiver",
];
/// Number of synapses.
pub(super) const WEIGHT: &[&str] = &[
    "weight",
    "weights",
    "syn_count",
    "synapse_count",
    "synapses_count",
    "synapses",
    "n_synapses",
    "num_synapses",
    "number_of_synapses",
    "n_syn",
    "nsyn",
    "count",
    "nbr",
    "w",
    "strength",
];
/// Kind of connection.
pub(super) const LAYER: &[&str] = &["type", "layer", "edge_type"];
/// Id of a neuron in a table of neurons.
pub(super) const ID: &[&str] = &[
    "id",
    "root_id",
    "pt_root_id",
    "bodyid",
    "body_id",
    "skid",
    "skeleton_id",
    "skeletonid",
    "node_id",
    "neuron_id",
    "segment_id",
    "neuron",
];
/// Name of a neuron, where it is its id.
pub(super) const NAME: &[&str] = &["name", "label", "cell", "cell_name"];
/// Side of the body.
pub(super) const SIDE: &[&str] = &["hemisphere", "side", "soma_side", "somaside", "hemi", "body_side"];
/// Partner on the other side.
pub(super) const PAIR: &[&str] = &[
    "partner_id",
    "pair",
    "partner",
    "pair_id",
    "homologue",
    "homolog",
    "homologue_id",
    "contralateral",
    "contralateral_id",
];
/// Cell class.
pub(super) const CLASS: &[&str] = &[
    "celltype",
    "cell_type",
    "cell_class",
    "class",
    "super_class",
    "type",
];
/// Left and right of a table of pairs.
pub(super) const LEFT: &[&str] = &[
    "leftid",
    "left_id",
    "left",
    "left_skid",
    "left_root_id",
    "left_neuron",
];
pub(super) const RIGHT: &[&str] = &[
    "rightid",
    "right_id",
    "right",
    "right_skid",
    "right_root_id",
    "right_neuron",
];

/// A header in one form: lower case, without what Neo4j adds (`:START_ID(Body-ID)`, `weight:int`), words joined by `_`.
pub(super) fn plain(header: &str) -> String {
    let header = header.trim().trim_start_matches(':');
    let header = header.split([':', '(']).next().unwrap_or_default().trim();
    header.to_lowercase().replace([' ', '-', '.'], "_")
}

/// The place of the first of some names in a header.
pub(super) fn find<'a>(headers: impl Iterator<Item = &'a str> + Clone, names: &[&str]) -> Option<usize> {
    names
        .iter()
        .find_map(|name| headers.clone().position(|header| plain(header) == *name))
}
