"""The commands of ``python -m vit``, one file each; torch is imported only by those that compute."""
