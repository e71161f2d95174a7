"""How good a model is on labelled data: every case, the figures over them with their confidence, and plots."""
