"""The libraries that can run a network, one file each, behind `vesalius.engine.backend.Backend`."""
