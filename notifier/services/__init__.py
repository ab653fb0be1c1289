"""Use cases: what the product does, in short transactions with the network in between."""
