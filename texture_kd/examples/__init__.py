"""Examples of what the components are good for beside segmentation; not imported."""
