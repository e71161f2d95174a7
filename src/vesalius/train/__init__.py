"""Makes the networks.

In: a recipe (TOML, data and nothing else) and a folder of cases. Out: a model folder as `models` reads it, with its
measured scores and golden cases; run again, it resumes. It may import `tasks`, `engine`, `models` and below; only
`federate` and `cli` import it.
"""
