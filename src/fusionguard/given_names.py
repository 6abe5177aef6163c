"""Given names that many people have: with them, code tells columns and sentences about people from others."""

from __future__ import annotations

_WRITTEN = """
James John Robert Michael William David Richard Joseph Thomas Charles Daniel Matthew Anthony Steven Paul Andrew Kevin
Brian George Edward Peter Mark Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy
Anna Emily Emma Laura Julia Julie Maria Jane Alice Hans Klaus Jürgen Stefan Andreas Wolfgang Uwe Sabine Petra Monika
Ursula Heike Claudia Birgit Jean Pierre Michel Philippe Nathalie Isabelle Sophie Marie Luc Camille José Juan Carlos
Luis Javier Miguel Antonio Carmen Lucía Pilar Ana Sofia Giuseppe Giovanni Marco Luca Francesco Giulia Chiara Paolo
João Pedro Rui Tiago Jan Piet Kees Anneke Willem Piotr Krzysztof Andrzej Agnieszka Katarzyna Ivan Dmitri Sergey Olga
Natasha Elena Wei Li Mei Hiroshi Yuki Takashi Mohammed Muhammad Ahmed Ali Fatima Aisha Omar Hassan Mehmet Ayşe Mustafa
Zeynep Raj Priya Amit Rahul Sunita Deepak Иван Мария Ольга Сергей Анна Max Erika Helena Martin Simon Oliver Felix
Lukas Leon
"""
GIVEN_NAMES = tuple(_WRITTEN.split())
"""Frequent ones of the languages that banks' customers and the assistant's readers speak."""
