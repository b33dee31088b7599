"""Where images come from: generated shapes, imported sets, splits and batched augmentation.

``catalog`` lists and describes data sets and reads single images without torch; ``load`` gives a whole set as
uint8 tensors. Everything random is a pure function of a seed and counters, see ``draws``.
"""
