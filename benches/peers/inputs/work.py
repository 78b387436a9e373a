"""Work for python3: what programs do that are not loops over numbers."""
import json
import re


class Account:
    """An object with attributes, methods and an operator."""

    def __init__(self, owner, balance):
        self.owner = owner
        self.balance = balance

    def pay(self, amount):
        """Takes the amount, or complains."""
        if amount > self.balance:
            raise ValueError(self.owner)
        self.balance -= amount

    def __lt__(self, other):
        return (self.balance, self.owner) < (other.balance, other.owner)


def words(count):
    """Pseudo-random words."""
    state = 1
    for _ in range(count):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        yield "".join(chr(97 + (state >> shift) % 26) for shift in range(20, 20 + 4 * (3 + state % 5), 4))


def main():
    """Does the work."""
    counts = {}
    for word in words(30000):
        counts[word[:3]] = counts.get(word[:3], 0) + len(word)
    accounts = [Account(word, count) for word, count in counts.items()]
    refused = 0
    for n in range(100000):
        try:
            accounts[n * 7 % len(accounts)].pay(n % 11)
        except ValueError:
            refused += 1
    accounts.sort()
    text = json.dumps([{"owner": a.owner, "balance": a.balance} for a in accounts])
    vowels = len(re.findall(r'"owner": "[aeiou]([a-z])\w*"', text))
    back = sum(entry["balance"] for entry in json.loads(text))
    print(len(accounts), refused, vowels, back, sum(x * x for x in range(200000)))


main()
