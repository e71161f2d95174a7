"""The live link to surgical navigation.

In: volumes, labelmaps and meshes of a `Report`. Out: OpenIGTLink messages, and tracked tools back. It may import
`analysis` and below; only `cli` imports it.
"""
