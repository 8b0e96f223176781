"""The benchmarks: figures beside raw limits and a peer, in one run. `bench/README.md` explains."""
