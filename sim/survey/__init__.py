"""Questionnaires: an instrument is held on a simulated bank, analysed, compared, and made a bank of.

Rooms, each leaning on those before it: `measures` (what of the bank a construct can be), `instrument` (the
questionnaire as a file), `sheets` and `reading` (answers, a row a sheet), `analysis` (what answers say, simulated or
real alike), `holding` (who is asked, who answers, and how), `initial` (a bank out of answers), `likeness` (simulated
answers held against real ones).
"""
