"""What runners do with a trained trial: gather evidence, call metrics, yield readings."""
