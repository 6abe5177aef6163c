"""A ZenML step operator for Slurm: steps become batch jobs that a cluster may interrupt. See README.md beside this file.

The folder needs ZenML and the standard library alone; another project copies it and registers the flavor.
"""
