"""Calibration of gates: seeds to compare, planted defects, shares of alarms, and simulated tests."""
