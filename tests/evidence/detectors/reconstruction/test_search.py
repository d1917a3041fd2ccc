from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    Abstention,
    CallableAutoencoder,
    PhaseReading,
    read_grid,
)
from lightkeeper.evidence.detectors.reconstruction import _contrast as contrast
from lightkeeper.evidence.detectors.reconstruction._contrast import Phase, Reader
from lightkeeper.evidence.detectors.reconstruction._lattice import agreement
from lightkeeper.evidence.detectors.reconstruction._patches import Patch, choose
from lightkeeper.evidence.detectors.reconstruction._search import _looked


@pytest.mark.parametrize(("y", "x"), [(0, 0), (3, 5), (7, 2)])
def test_a_decoders_grid_is_found_wherever_the_picture_was_cropped(
    autoencoder, make_textured, through, y, x
):
    reading = read_grid(autoencoder, through(autoencoder, make_textured(1))[y:, x:])
    assert isinstance(reading, PhaseReading)
    assert reading.phase == Phase(-y % autoencoder.grid, -x % autoencoder.grid)
    assert reading.p_value < 2e-3
    assert reading.agreeing == reading.patches


def test_the_quick_form_finds_the_phase_modulo_four(autoencoder, make_textured, through):
    reading = read_grid(autoencoder, through(autoencoder, make_textured(1))[3:, 5:], QUICK)
    assert isinstance(reading, PhaseReading)
    assert reading.phase == Phase(1, 3)
    assert reading.agreeing == reading.patches == 4
    assert reading.contrast > 0.3
    # Two patches on sixteen phases, and two that are asked about one phase and what lies aside.
    assert reading.reconstructions == 2 * 16 + 2 * 5


def test_pictures_without_a_grid_end_after_the_first_looks(autoencoder, make_textured):
    readings = [read_grid(autoencoder, make_textured(k), FULL) for k in range(30, 33)]
    said = [r for r in readings if isinstance(r, PhaseReading)]
    assert len(said) == 3
    assert sum(r.patches in FULL.looks[:2] for r in said) >= 2
    assert all(16 * r.patches <= r.reconstructions < 32 * r.patches for r in said)


class _Told:
    """A patch whose field is known."""

    reconstructions = 16

    def __init__(self, field):
        self.field = field

    def on(self, modulus):
        return self.field

    def at(self, phases):
        return np.array([self.field[p.y % 4, p.x % 4] for p in phases])

    def drop(self, phase, modulus):
        return float(-self.field[phase.y % 4, phase.x % 4])


def _lattices(rng, depth, anywhere):
    """Sixteen patches, each with a lattice that begins at (0, 0) or anywhere."""
    for _ in range(16):
        field = 0.2 * rng.normal(size=(4, 4))
        field[::2, ::2] -= depth
        field[0, 0] -= depth
        yield _Told(np.roll(field, tuple(rng.integers(4, size=2) * anywhere), (0, 1)))


@pytest.mark.parametrize("depth", [0.0, 0.4, 1.0])
def test_all_looks_together_fire_no_more_often_than_declared(depth):
    # Every patch with a lattice of its own: the hardest fields that still lie anywhere.
    rng = np.random.default_rng(7)
    values = np.array(
        [_looked(list(_lattices(rng, depth, True)), FULL, 8).p_value for _ in range(400)]
    )
    for declared in (0.3, 0.1, 0.02):
        assert np.mean(values <= declared) <= declared + 0.02


def test_more_patches_make_a_faint_agreement_plain():
    fields = list(_lattices(np.random.default_rng(2), 0.12, False))
    few = _looked(fields, replace(FULL, looks=(4,)), 8)
    many = _looked(fields, FULL, 8)
    assert few.p_value > 1e-3 >= many.p_value
    assert few.patches < many.patches <= FULL.looks[-1]
    assert (many.phase.y % 4, many.phase.x % 4) == (0, 0)


@pytest.mark.parametrize("form", [QUICK, FULL])
def test_a_grid_without_a_lattice_is_found_on_all_its_phases(through, make_textured, form):
    flat = _one_step(8)
    picture = through(flat, make_textured(3))[3:, 5:]
    reading = read_grid(flat, picture, form)
    assert isinstance(reading, PhaseReading)
    assert reading.phase == Phase(5, 3)
    if form is FULL:
        assert reading.p_value <= 1e-3
        missed = read_grid(replace(flat, lattice=True), picture, form)
        assert isinstance(missed, PhaseReading)
        assert missed.p_value > reading.p_value
    bare = read_grid(flat, make_textured(3)[3:, 5:], form)
    assert isinstance(bare, PhaseReading)
    assert bare.p_value > 1e-3
    assert bare.contrast < reading.contrast / 4


def _one_step(grid):
    """Keeps of each cell what a smooth blend does not: only its own phase is reconstructed."""
    rng = np.random.default_rng(5)
    basis, _ = np.linalg.qr(rng.normal(size=(grid * grid, grid * grid // 2)))

    def reconstruct(batch):
        n, c, h, w = batch.shape
        blocks = batch.reshape(n, c, h // grid, grid, w // grid, grid).transpose(0, 1, 2, 4, 3, 5)
        flat = blocks.reshape(*blocks.shape[:4], -1)
        back = (flat @ basis @ basis.T).reshape(blocks.shape).transpose(0, 1, 2, 4, 3, 5)
        return back.reshape(n, c, h, w).astype(np.float32)

    return CallableAutoencoder("one-step", reconstruct, "2" * 64, grid=grid, lattice=False)


def test_pictures_without_a_grid_fire_about_as_rarely_as_declared(make_textured, autoencoder):
    readings = [read_grid(autoencoder, make_textured(k), QUICK) for k in range(100, 110)]
    values = [r.p_value for r in readings if isinstance(r, PhaseReading)]
    assert len(values) == 10
    assert min(values) > 1e-4
    assert sum(value <= 0.1 for value in values) <= 4
    assert max(r.contrast for r in readings if isinstance(r, PhaseReading)) < 0.15
    assert max(r.reconstructions for r in readings if isinstance(r, PhaseReading)) <= 42


def test_patches_begin_on_different_remainders(make_textured):
    # Otherwise what the way of measuring prefers would pass for agreement.
    patches = choose(make_textured(0), side=71, apart=56, count=7, least=6)
    assert not isinstance(patches, Abstention)
    assert len({patch.y % 8 for patch in patches}) > 3
    assert len({patch.x % 8 for patch in patches}) > 3


def test_another_decoders_grid_is_not_this_ones(make_textured, through, autoencoder):
    other = replace(autoencoder, function=lambda batch: batch * np.float32(0.999))
    reading = read_grid(other, through(autoencoder, make_textured(3)), FULL)
    assert isinstance(reading, PhaseReading)
    assert reading.p_value > 1e-3


def test_one_batch_says_what_single_crops_say(autoencoder, make_textured, monkeypatch):
    grid = autoencoder.grid
    reader = Reader(autoencoder, make_textured(4), 64)
    phases = [Phase(y, x) for y in range(0, grid, 2) for x in range(grid)]
    whole = reader.errors(Patch(8, 11), phases)
    single = np.concatenate([reader.errors(Patch(8, 11), [phase]) for phase in phases])
    assert np.array_equal(whole, single)
    monkeypatch.setattr(contrast, "_BATCH", 3)
    assert np.array_equal(whole, reader.errors(Patch(8, 11), phases))


def test_a_picture_without_a_grid_is_let_go_after_a_quarter_of_the_phases(
    autoencoder, make_textured, through
):
    bare = read_grid(autoencoder, make_textured(5), FULL, dismissed=0.08)
    assert isinstance(bare, PhaseReading)
    assert bare.reconstructions == FULL.looks[0] * 4
    assert bare.p_value == 1
    own = read_grid(autoencoder, through(autoencoder, make_textured(5))[2:, 7:], dismissed=0.08)
    assert isinstance(own, PhaseReading)
    assert own.reconstructions >= FULL.looks[0] * 16
    assert own.first_drop > 0.08


def test_without_a_lattice_the_first_phases_touch_every_row_and_column(make_textured, through):
    flat = _one_step(8)
    for y, x in ((0, 3), (5, 2)):
        own = read_grid(flat, through(flat, make_textured(3))[y:, x:], dismissed=0.02)
        assert isinstance(own, PhaseReading)
        assert own.p_value < 1e-3


def test_a_second_pass_changes_little_more_than_the_first_only_where_it_came_through(
    autoencoder, make_textured, through
):
    own = read_grid(autoencoder, through(autoencoder, make_textured(5)))
    assert isinstance(own, PhaseReading)
    assert abs(own.excess) < 0.5
    half = 0.5 * make_textured(5) + 0.5 * through(autoencoder, make_textured(5))
    mixed = read_grid(autoencoder, half.astype(np.uint8))
    assert isinstance(mixed, PhaseReading)
    assert mixed.excess > own.excess + 1
    assert mixed.error > own.error + 1


def test_small_flat_and_blurred_pictures_get_no_reading(autoencoder, make_textured):
    assert read_grid(autoencoder, make_textured(6)[:120, :120]) is Abstention.TOO_SMALL
    flat = np.full((400, 400, 3), 128, np.uint8)
    assert read_grid(autoencoder, flat) is Abstention.TOO_FLAT
    ramp = np.repeat(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], 400, 0)
    assert read_grid(autoencoder, np.repeat(ramp, 3, 2)) is Abstention.TOO_COMPRESSED


def test_patches_do_not_touch_and_saturated_ones_are_left_out(make_textured):
    picture = make_textured(7)
    picture[:200] = np.where(picture[:200] > 127, 255, 0)
    patches = choose(picture, side=71, apart=64, count=8, least=2)
    assert not isinstance(patches, Abstention)
    assert all(patch.y > 180 for patch in patches)
    for k, first in enumerate(patches):
        assert all(
            abs(first.y - other.y) >= 64 or abs(first.x - other.x) >= 64
            for other in patches[k + 1 :]
        )


FIELDS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(FIELDS, st.integers(2, 7), st.sampled_from([4, 8]))
def test_moving_all_fields_moves_the_place_and_nothing_else(rng, patches, side):
    fields = rng.normal(size=(patches, side, side))
    first = agreement(fields)
    moved = agreement(np.roll(fields, (1, 2), (1, 2)))
    assert moved.at == ((first.at[0] + 1) % side, (first.at[1] + 2) % side)
    assert moved.p_value == pytest.approx(first.p_value, rel=1e-6)
    assert side ** (2 - 2 * patches) * 0.999 <= first.p_value <= 1
    assert 0 <= first.agreeing <= patches


def test_fields_moved_at_random_agree_no_more_often_than_declared():
    rng = np.random.default_rng(0)
    values = [agreement(rng.normal(size=(4, 4, 4))).p_value for _ in range(600)]
    for declared in (0.2, 0.05, 0.01):
        assert np.mean(np.asarray(values) <= declared) <= 1.3 * declared + 0.01


def test_fields_that_share_a_drop_agree_beyond_chance():
    rng = np.random.default_rng(0)
    fields = 0.1 * rng.normal(size=(4, 4, 4))
    fields[:, 1::2, 0::2] -= 0.3
    fields[:, 3, 2] -= 0.4
    found = agreement(fields)
    assert (found.at, found.agreeing) == ((3, 2), 4)
    assert found.p_value < 1e-3
    assert found.contrast > 0.5


def test_fields_that_say_nothing_have_chance_one():
    assert agreement(np.zeros((4, 4, 4))).p_value == 1
