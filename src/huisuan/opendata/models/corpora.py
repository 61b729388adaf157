"""Corpora as they were built: each build, its shards, and the released files that each shard holds lines of.

Whether a shard may be read is never stored: it is out while every one of its sources is.
"""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.models.gate_files import SHA256_PATTERN
from huisuan.opendata.models.gate_products import GateRelease

_FORM_CHOICES = [("jsonl", "JSONL"), ("parquet", "Parquet")]
_IS_OUT = """
IF NOT EXISTS (
    SELECT 1 FROM opendata_gaterelease r JOIN opendata_gatefile f ON f.id = r.file_id
    WHERE r.id = NEW.release_id AND f.state = 'released') THEN
    RAISE EXCEPTION 'a shard holds lines of what is out alone'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'corpus_source_is_out';
END IF;
RETURN NEW;
"""


class Corpus(models.Model):
    """A corpus, known by its name for good."""

    name = models.CharField(max_length=40, unique=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="corpus_name_has_its_form", condition=Q(name__regex="^[a-z][a-z0-9-]{1,39}$"))
        ]
        triggers = [append_only("corpora_stay")]

    def __str__(self) -> str:
        return self.name


class CorpusBuild(models.Model):
    """One making of a corpus: from which entries, by which rules, and what came of it. The newest one stands."""

    corpus = models.ForeignKey(Corpus, on_delete=models.PROTECT, related_name="builds")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    entries = ArrayField(models.CharField(max_length=32))
    rules = models.JSONField()
    steps = models.CharField(max_length=20, help_text="the version of the steps")
    statistics = models.JSONField()
    reason = models.CharField(max_length=300, blank=True, help_text="why it was made anew")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["corpus", "number"]
        constraints = [
            models.UniqueConstraint(name="corpus_build_once", fields=["corpus", "number"]),
            models.CheckConstraint(
                name="corpus_build_says_what", condition=Q(title__regex=r"\S", entries__len__gte=1) & ~Q(by="")
            ),
        ]
        triggers = [append_only("corpus_builds_stay")]

    def __str__(self) -> str:
        return f"{self.corpus_id} b{self.number}"


class CorpusShard(models.Model):
    """A part of a build in one form; `number` from 1. A released file is in one number alone."""

    build = models.ForeignKey(CorpusBuild, on_delete=models.PROTECT, related_name="shards")
    number = models.PositiveIntegerField()
    form = models.CharField(max_length=8, choices=_FORM_CHOICES)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    lines = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["build", "number", "form"]
        constraints = [
            models.UniqueConstraint(name="corpus_shard_once", fields=["build", "number", "form"]),
            models.CheckConstraint(
                name="corpus_shard_has_its_digest", condition=Q(sha256__regex=SHA256_PATTERN, number__gte=1)
            ),
        ]
        triggers = [append_only("corpus_shards_stay")]

    def __str__(self) -> str:
        return f"{self.build_id}/{self.number}.{self.form}"


class CorpusSource(models.Model):
    """That a shard holds lines of a release, and how many; only of one that is out."""

    shard = models.ForeignKey(CorpusShard, on_delete=models.PROTECT, related_name="sources")
    release = models.ForeignKey(GateRelease, on_delete=models.PROTECT, related_name="corpus_sources")
    lines = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["shard", "release"]
        constraints = [models.UniqueConstraint(name="corpus_source_once", fields=["shard", "release"])]
        triggers = [
            append_only("corpus_sources_stay"),
            pgtrigger.Trigger(
                name="corpus_source_is_out", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_IS_OUT
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shard_id} {self.release_id}"


class CorpusCopy(models.Model):
    """A shard as the firm of one or several grants gets it: each line with their mark."""

    shard = models.ForeignKey(CorpusShard, on_delete=models.PROTECT, related_name="copies")
    mark_sha256 = models.CharField(max_length=64, help_text="of the mark that stands in each line")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="corpus_copy_once", fields=["shard", "mark_sha256"]),
            models.CheckConstraint(name="corpus_copy_has_its_digest", condition=Q(sha256__regex=SHA256_PATTERN)),
        ]
        triggers = [append_only("corpus_copies_stay")]

    def __str__(self) -> str:
        return f"{self.shard_id} {self.mark_sha256[:8]}"
