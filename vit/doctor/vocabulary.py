"""The names that signals have in a run's metrics, beside those of training and validation."""

LAYER_ENTROPY = "attention_entropy_"  # followed by the number of the layer

# Shares and ratios unless said otherwise; what it is, as a chart says it.
TITLES = {
    "train_loss": "train loss",
    "val_loss": "val loss",
    "val_accuracy": "val accuracy",
    "grad_norm": "gradient norm",
    "lr": "learning rate",
    "images_per_second": "images/s",
    "chance_loss": "loss of a guess",  # of one that knows how frequent each class is, in nats
    "chance_accuracy": "guessing",  # the most frequent class, always
    "clean_train_loss": "loss on train images",  # evaluated like val: no augmentation, smoothing or dropout
    "clean_train_accuracy": "accuracy on train images",
    "linear_accuracy": "linear model on thumbnails",  # val accuracy of a ridge regression on 8 x 8 pixels
    "update_ratio": "update / weights",  # length of one update, in lengths of the weight; median over the matrices
    "head_update_ratio": "update / weights of the head",
    "weight_norm": "size of a weight in the blocks",  # root mean square
    "attention_entropy": "attention entropy",  # 1: every token looks at all tokens alike, 0: at a single one
    "identical_heads": "heads that have a twin",
    "dead_heads": "heads that add nothing",
    "class_token_share": "what the class token takes from others",  # attention, in the layer where it is most
    "place_effect": "effect of shuffling the patches",  # share of the probability that moves
    "prediction_spread": "differences between predictions",  # standard deviation of a probability over the images
    "signal_seconds": "seconds spent on signals",  # of this attempt so far
    "cpu_cores": "busy cores",  # seconds of a processor per second of training
}
