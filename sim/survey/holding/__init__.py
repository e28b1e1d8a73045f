"""A questionnaire held: who is asked, who answers, and what they answer; and what that is wrong by.

Rooms, each leaning on those before it: `settings` (numbers of how people answer), `draws` (keys of the luck), `truth`
(constructs of persons), `sampling` (who is asked and who answers), `answering` (the sheets), `bias` (measured against
true), `fieldwork` (all of it).
"""
