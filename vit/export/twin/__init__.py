"""The code of a run as one readable file that needs neither this project nor its checkpoints.

The templates beside this file are the script, section by section, pruned by a configuration. They are written for a
reader and repeat what the engine computes in fewer words; tests compare the losses of both, bit by bit.
"""
