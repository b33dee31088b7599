"""What is wrong with a training, if anything: signals from inside the network, and findings from a run's records.

``signals`` and ``checkup`` measure at validations, in the worker; ``case``, ``causes`` and ``diagnosis`` read what was
recorded, without torch.
"""
