"""The questionnaire as a file that people can read, and as one piece that everybody works with."""

from sim.survey.instrument.model import Construct, Demographic, Instrument, Item, Scale

__all__ = ["Construct", "Demographic", "Instrument", "Item", "Scale"]
