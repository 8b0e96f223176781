"""Tools of agents, one file each."""
