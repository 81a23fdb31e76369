"""What a change to the model does: two revisions of a checkout, run on the same standard scenarios."""
