"""What the stack ``hpc`` costs, on the one-node Slurm cluster that the tests start."""
