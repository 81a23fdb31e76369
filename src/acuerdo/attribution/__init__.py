"""Attribution by the series alone: what a measure did, told from other units and from the past, without the model."""
