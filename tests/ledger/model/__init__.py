"""A plain model of the whole ledger, written from what is promised and not from how it is done.

It knows no groups, versions, hashed keys or packed rows: a book handles one request after the other, in
wallets that it changes in place. Of the ledger it imports the intents alone, and calls everything else
(kinds, outcomes, accounts) by its name; what its one product and its agent's float say
stands in `terms`.
"""
