"""Questions with answers, conversations and tiny stories, drawn at random from what `knowledge.py` knows.

All draws come from one seeded generator, so the order of the calls decides the text: whoever reorders them makes
another corpus, and another model.
"""

from random import Random

from knowledge import FACTS, JOKES, TALK

NAMES = ["Lily", "Tom", "Anna", "Ben", "Mia", "Sam", "Lucy", "Max", "Sara", "Tim", "Rose", "Jack"]
GIRLS = ["Lily", "Anna", "Mia", "Lucy", "Sara", "Rose"]
ANIMALS = ["cat", "dog", "rabbit", "fox", "bear", "bird", "mouse", "frog", "duck", "squirrel"]
PLACES = [
    "the forest",
    "the garden",
    "the river",
    "the old castle",
    "the big hill",
    "the sea",
    "the village",
    "the farm",
]
THINGS = [
    "a red ball",
    "a shiny key",
    "a small boat",
    "a golden coin",
    "a warm hat",
    "a little book",
    "a blue kite",
    "a magic stone",
]
FRIENDS = ["friend", "brother", "sister", "grandmother", "neighbour"]
GLAD = ["happy", "very glad", "proud", "full of joy"]
SAD = ["sad", "afraid", "worried", "lost"]


def question_about(rng: Random, subject: str) -> str:
    return rng.choice(
        [
            f"What is the {subject}?",
            f"What's the {subject}?",
            f"Tell me the {subject}.",
            f"Do you know the {subject}?",
            f"what is the {subject}?",
            f"Name the {subject}.",
        ]
    )


def answer_about(rng: Random, subject: str, answer: str) -> str:
    short = f"{answer[0].upper()}{answer[1:]}."
    return rng.choice([short, short, f"The {subject} is {answer}."])


def fact(rng: Random) -> tuple:
    subject, answer = rng.choice(FACTS)
    return question_about(rng, subject), answer_about(rng, subject, answer)


def sum_of_two(rng: Random) -> tuple:
    a, b = rng.randint(0, 10), rng.randint(0, 10)
    if rng.random() < 0.6:
        question = f"What is {a} plus {b}?" if rng.random() < 0.5 else f"What is {a} + {b}?"
        return question, f"{a} plus {b} is {a + b}."
    a, b = max(a, b), min(a, b)
    return f"What is {a} minus {b}?", f"{a} minus {b} is {a - b}."


def talk(rng: Random) -> tuple:
    return rng.choice(TALK)


def joke(rng: Random) -> tuple:
    asked = rng.choice(["Tell me a joke about AI", "Tell me a joke", "Tell me a joke about robots", "Do you know a joke?"])
    return asked, rng.choice(JOKES)


def exchange(rng: Random) -> str:
    """One question and its answer, in one of the formats that the model is to understand."""
    kind = rng.random()
    draw = fact if kind < 0.45 else talk if kind < 0.75 else joke if kind < 0.85 else sum_of_two
    question, answer = draw(rng)
    form = rng.random()
    if form < 0.35:
        return f"Q: {question}\nA: {answer}"
    if form < 0.6:
        return f"Q: {question} A: {answer}"
    if form < 0.9:
        return f"User: {question}\nAssistant: {answer}"
    return f"{question}\n{answer}"


def conversation(rng: Random) -> str:
    """Two to four exchanges of a chat."""
    turns = []
    for _ in range(rng.randint(2, 4)):
        kind = rng.random()
        draw = fact if kind < 0.4 else talk if kind < 0.8 else sum_of_two
        question, answer = draw(rng)
        turns.append(f"User: {question}\nAssistant: {answer}")
    return "\n".join(turns)


def story(rng: Random) -> str:
    """Six sentences, each one of a few."""
    name = rng.choice(NAMES)
    animal = rng.choice(ANIMALS)
    place = rng.choice(PLACES)
    thing = rng.choice(THINGS)
    friend = rng.choice(FRIENDS)
    rng.choice([0, 1])  # decides nothing; left in, since without it all later draws would be others
    girl = name in GIRLS
    they, their, them = ("she", "her", "her") if girl else ("he", "his", "him")
    opening = rng.choice(["Once upon a time", "One day", "Long ago", "One sunny morning"])
    girl_child, boy_child = ["girl", "child"], ["boy", "child"]
    sentences = [
        rng.choice(
            [
                f"{opening}, there was a little {rng.choice(girl_child if girl else boy_child)} named {name} "
                f"who lived near {place}.",
                f"{opening}, {name} went to {place} to play.",
                f"{opening}, {name} and {their} {friend} walked to {place}.",
            ]
        ),
        rng.choice(
            [
                f"There {name} found {thing}.",
                f"{name} saw {thing} under a tree.",
                f"On the way {they} found {thing}.",
                f"{name} had {thing} and loved it very much.",
            ]
        ),
        rng.choice(
            [
                f'Then a little {animal} came and said, "Please help me, I am {rng.choice(SAD)}."',
                f"A {animal} sat there and looked {rng.choice(SAD)}.",
                f'Suddenly a {animal} cried, "That is mine!"',
            ]
        ),
        rng.choice(
            [
                f"{name} was kind and gave {thing} to the {animal}.",
                f'"Do not worry," said {name}, "I will help you."',
                f"{name} thought for a while and then shared {their} bread with the {animal}.",
                f'{name} asked, "What is wrong?" and the {animal} told {them} everything.',
            ]
        ),
        rng.choice(
            [
                f"The {animal} was {rng.choice(GLAD)} and they became friends.",
                "They played together until the sun went down.",
                f"The {animal} smiled and showed {name} the way home.",
                f"So they walked back to {place} together.",
            ]
        ),
        rng.choice(
            [
                f"{name} went home and told {their} {friend} about it.",
                f"That night {name} slept well and was {rng.choice(GLAD)}.",
                f"From that day on, {name} and the {animal} were best friends.",
                "And they all lived happily ever after.",
                "The end.",
            ]
        ),
    ]
    return " ".join(sentences)


def told_story(rng: Random) -> str:
    """A story by itself, or one that was asked for."""
    told = story(rng)
    in_chat = rng.choice(["Tell me a story", "Write a short story", "Tell me a short story", "Please tell me a story"])
    bare = rng.choice(["Write a short story", "Tell me a story"])
    return rng.choice([told, told, told, f"User: {in_chat}\nAssistant: {told}", f"{bare}\n{told}"])
