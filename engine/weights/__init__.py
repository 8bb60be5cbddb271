"""Pretrained weights: find a backbone's file, check it, put it into a network."""
