"""`ims bench forecast`: the engine beside its peers on rolling windows of a chain's own past."""
