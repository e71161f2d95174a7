"""Trains across hospitals that share no patient data.

In: the recipe that `train` takes, and the sites. Out: the same model folder. It may import `train` and below; only
`cli` imports it.
"""
