"""How customers behave: the numbers they live by (`settings`) and the form the kernel reads them in (`rates`)."""
