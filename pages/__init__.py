"""The screens. One folder each, a level below this one; what several of them use is in ``shared``."""
