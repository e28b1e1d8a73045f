"""The library behind `import sim`: what the command line does, as Python objects. Names are listed in `sim.__all__`."""
