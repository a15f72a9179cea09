"""The commands of `cardswitch`: each reads its arguments, does its work at a workbench, and prints."""
