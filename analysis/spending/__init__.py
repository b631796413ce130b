"""What runs cost: device time, energy, money; and what they would have cost one at a time."""
