"""What a run leaves behind: files that appear whole, manifests, digests, training logs."""
