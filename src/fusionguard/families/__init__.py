"""Kinds of models: what one learns, decides, reports and explains; shared rooms ask the family and name none."""
