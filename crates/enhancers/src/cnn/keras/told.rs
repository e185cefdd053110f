//! What the `model_config` of a file tells of its layers, and what of it a network here can be.

use serde_json::Value;

use crate::cnn::architecture::Architecture;

/// Which axis holds the channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Axes {
    /// Whether it is the first one of the convolutions' outputs, where that is told.
    pub channels_first: Option<bool>,
    /// Whether `Flatten` expects it first, and moves it to the end.
    pub flatten_first: bool,
}

/// One layer and its settings.
#[derive(Clone, Debug)]
struct Layer {
    name: String,
    class: String,
    settings: Value,
}

/// All layers in order.
#[derive(Clone, Debug)]
pub(super) struct Told(Vec<Layer>);

/// Layers that change nothing once a network is trained.
const SILENT: [&str; 12] = [
    "InputLayer",
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "Flatten",
    "Reshape",
    "Permute",
    "Masking",
];

impl Told {
    /// The layers of a `model_config`, those of models within it in their place.
    pub(super) fn of(config: &Value) -> Self {
        let mut layers = Vec::new();
        gather(config, &mut layers);
        Self(layers)
    }

    pub(super) fn axes(&self) -> Axes {
        let mut axes = Axes::default();
        for layer in &self.0 {
            // Keras 1: `dim_ordering`.
            let order = layer.word("data_format").or_else(|| layer.word("dim_ordering"));
            let first = order.map(|order| matches!(order, "channels_first" | "th"));
            if layer.class == "Flatten" {
                axes.flatten_first = first == Some(true);
            } else if layer.is_convolution() {
                axes.channels_first = first.or(layer.class.ends_with("1D").then_some(false));
            }
        }
        axes
    }

    /// Gives a network the strides and pooling windows that are told.
    ///
    /// # Errors
    /// The first layer that computes what no network here does: another activation, average pooling, padding.
    pub(super) fn follow(&self, network: &mut Architecture) -> Result<(), String> {
        let (mut convolution, mut pooled) = (0, false);
        let weighted = |layer: &Layer| layer.is_convolution() || layer.class == "Dense";
        let last = self.0.iter().rposition(weighted);
        for (i, layer) in self.0.iter().enumerate() {
            if weighted(layer) {
                let expected = match (Some(i) == last, network.outputs) {
                    (false, _) => "relu",
                    (true, 1) => "sigmoid",
                    (true, _) => "softmax",
                };
                let found = self.activation(i);
                if found.is_some_and(|found| found != expected) {
                    return Err(layer.refused(
                        &format!("has the activation `{}`", found.unwrap_or_default()),
                        &format!("`{expected}`"),
                    ));
                }
            }
            if layer.is_convolution() {
                layer.refuse_padding()?;
                if layer
                    .number(&["dilation_rate", "atrous_rate"])
                    .is_some_and(|rate| rate > 1)
                {
                    return Err(layer.refused("is dilated", "a convolution without gaps"));
                }
                let stride = layer.number(&["strides", "subsample", "subsample_length"]);
                if let (Some(own), Some(stride)) = (network.convolutions.get_mut(convolution), stride) {
                    own.stride = stride;
                }
                convolution += 1;
            } else if layer.class.starts_with("MaxPooling") && !pooled {
                pooled = true;
                let size = layer.number(&["pool_size", "pool_length"]);
                network.pool_size = size.unwrap_or(network.pool_size);
                network.pool_stride = layer.number(&["strides", "stride"]).unwrap_or(network.pool_size);
                network.pool_same = layer.padding() == Some("same");
            } else if !(weighted(layer) || layer.is_activation() || SILENT.contains(&layer.class.as_str())) {
                return Err(layer.refused(
                    &format!("is a `{}`", layer.class),
                    "convolutions, one `MaxPooling`, dense layers",
                ));
            }
        }
        Ok(())
    }

    /// The activation of a layer with weights: its own, or that of the layer behind it; where both are told to be linear, that.
    fn activation(&self, i: usize) -> Option<&str> {
        let own = self.0[i].word("activation");
        if own.is_some_and(|own| own != "linear") {
            return own;
        }
        let behind = self.0[i + 1..]
            .iter()
            .find(|layer| layer.is_activation() || !SILENT.contains(&layer.class.as_str()));
        match behind.filter(|layer| layer.is_activation()) {
            Some(layer) if layer.class == "ReLU" => Some("relu"),
            Some(layer) => layer.word("activation").or(Some(&layer.class)),
            None => own,
        }
    }
}

fn gather(model: &Value, layers: &mut Vec<Layer>) {
    let config = &model["config"];
    let Some(listed) = config.as_array().or_else(|| config["layers"].as_array()) else {
        return;
    };
    for layer in listed {
        let class = layer["class_name"].as_str().unwrap_or_default();
        if matches!(class, "Sequential" | "Model" | "Functional") {
            gather(layer, layers);
            continue;
        }
        let settings = layer["config"].clone();
        layers.push(Layer {
            name: settings["name"].as_str().unwrap_or(class).to_owned(),
            class: class.to_owned(),
            settings,
        });
    }
}

impl Layer {
    fn is_convolution(&self) -> bool {
        matches!(
            self.class.as_str(),
            "Conv1D" | "Conv2D" | "Convolution1D" | "Convolution2D"
        )
    }

    fn is_activation(&self) -> bool {
        matches!(
            self.class.as_str(),
            "Activation" | "ReLU" | "LeakyReLU" | "ELU" | "PReLU" | "ThresholdedReLU" | "Softmax"
        )
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.settings[name].as_str()
    }

    /// A number, or the largest of several: one axis of an image holds the positions, the other one is 1.
    fn number(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|name| match &self.settings[*name] {
                Value::Array(values) => values.iter().filter_map(Value::as_u64).max(),
                value => value.as_u64(),
            })
            .map(|number| number as usize)
    }

    fn padding(&self) -> Option<&str> {
        self.word("padding").or_else(|| self.word("border_mode"))
    }

    fn refuse_padding(&self) -> Result<(), String> {
        match self.padding() {
            None | Some("valid") => Ok(()),
            Some(other) => Err(self.refused(&format!("is padded `{other}`"), "`valid`")),
        }
    }

    fn refused(&self, found: &str, expected: &str) -> String {
        format!("layer `{}` {found}, expected {expected}", self.name)
    }
}
