"""The page as it is drawn: NiceGUI around what the rooms beside this one know. Nothing else imports NiceGUI."""
