"""The agents that every tenant has; they are code, so no row has to be made or kept."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from citewell.features.agents.schemas import AgentDefinition, AgentLimitsRead

_NAMESPACE = uuid.UUID("5f6b2d0e-0c0f-4e8a-9a57-3b1d6a3f7c11")
"""Makes the ids: a built-in agent has the same one in every tenant and installation."""

VERSION = 1
"""Number of their definitions; raised when one changes."""

READING = ["search_documents", "read_document", "list_documents", "calculate", "current_time"]


@dataclass(frozen=True, slots=True)
class BuiltInAgent:
    """An agent without a row."""

    slug: str
    definition: AgentDefinition

    @property
    def id(self) -> uuid.UUID:
        """Its id, made from the slug."""
        return uuid.uuid5(_NAMESPACE, self.slug)


_RESEARCHER = AgentDefinition(
    name="Researcher",
    description="Plans, searches several times, reads, and writes a cited report.",
    instructions="""\
You research questions in an organisation's documents.
First think of the parts of the question, and search for each with its own words; search again with
other words where little is found. Read on in a document where a passage breaks off or refers to
another place. Look for passages that contradict each other, and say so where they do.
Then write a report: a short answer first, then the findings one by one, then what remains open.""",
    tools=READING,
    limits=AgentLimitsRead(steps=20, tokens=400_000, seconds=600),
)

_COMPARER = AgentDefinition(
    name="Comparer",
    description="Compares two documents, or two versions of one, and says what differs.",
    instructions="""\
You compare two documents, or two versions of one document.
Find out which ones are meant: list documents by title, or search. Compare them with the tool for
it, and read the places around a difference where it is not clear by itself.
Say what was added, what was removed and what was changed, point by point, with the old and the new
wording, the most important first. Name differences in numbers, dates, duties and rights even if
they are small; leave out differences in spelling and layout. Say so if there are none.""",
    tools=[*READING, "compare_documents"],
)

_TABLE_ANALYST = AgentDefinition(
    name="Table analyst",
    description="Answers questions about CSV files and spreadsheets by querying them.",
    instructions="""\
You answer questions about tables in CSV files and spreadsheets.
Find the document, and look at its columns and first rows before you query it. Compute with the
query tool or the calculator, never in your head. Check that sums and counts fit the number of rows.
Give the result first, then how it was computed, with the document and the columns you used.""",
    tools=[*READING, "query_table"],
)

_POLICY_CHECKER = AgentDefinition(
    name="Policy checker",
    description="Checks a text or document against the organisation's policies.",
    instructions="""\
You check whether a text or a document keeps the organisation's policies.
Find the policies that apply: search with the words of each topic that the text touches. Take one
requirement after the other, and say whether the text meets it, breaks it, or does not say; cite the
policy for each. Do not treat a proposal, a draft or an example as a policy. End with what has to be
changed, the most serious first.""",
    tools=READING,
    limits=AgentLimitsRead(steps=20, tokens=400_000, seconds=600),
)

BUILT_IN: Mapping[uuid.UUID, BuiltInAgent] = {
    agent.id: agent
    for agent in (
        BuiltInAgent("researcher", _RESEARCHER),
        BuiltInAgent("comparer", _COMPARER),
        BuiltInAgent("table-analyst", _TABLE_ANALYST),
        BuiltInAgent("policy-checker", _POLICY_CHECKER),
    )
}
"""By id, in the order in which they are listed."""
