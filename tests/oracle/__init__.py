"""The model a second time, the plain way: every customer a Mesa agent (README.md says from which texts)."""
