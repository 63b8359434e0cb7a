"""The video tracker of a local machine: a phrase detector, and SAM 2.1 that follows what it finds."""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.local.sam import as_prompt, corners, masked, squeezed
from reamo_mcp.models.local.weights import Loaded, Weights, load_model
from reamo_mcp.models.local.work_on_device import told_if_out_of_memory
from reamo_mcp.models.phrase_detection import PhraseDetector
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    from reamo_mcp.media.run_lengths import Pixels

_CORNERS = (2, 3)  # how the model is told that a point is the top left, or the bottom right, corner of a box


class LocalFollower:
    """Follows things with the video model of SAM 2.1, which is loaded by the first call."""

    def __init__(self, load: Callable[[], Any], name: str, revision: str) -> None:
        self._loaded = Loaded(load)
        self.card = ModelCard(role="follower", name=name, revision=revision)

    def begin(self) -> "LocalFollowing":
        """Return a new stretch, which knows nothing of others. Raises ModelUnavailable and OutOfMemory."""
        return LocalFollowing(self._loaded.get())


class LocalFollowing:
    """One stretch: a session of the model. Its frames stay in memory until it ends."""

    def __init__(self, model: Any) -> None:
        from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

        self._model = model
        self._side = int(model.config.image_size)
        self._session: Any = Sam2VideoInferenceSession(
            inference_device=model.device,
            inference_state_device=model.device,
            video_storage_device=model.device,
            dtype=model.dtype,
        )
        self._at = -1

    def show(self, picture: Picture) -> "Mapping[int, Pixels]":
        """Go on to a picture; return the outlines of what is in sight there. Raises OutOfMemory."""
        with told_if_out_of_memory("a frame of a video"), torch.inference_mode():
            pixels = squeezed(picture, self._side, self._model.dtype, self._model.device)
            self._at = self._session.add_new_frame(pixels)
            return self._seen(picture) if self._session.get_obj_num() else {}

    def seed(self, picture: Picture, things: "Mapping[int, Box | Pixels]") -> "Mapping[int, Pixels]":
        """Begin to follow things of the picture shown last; return their outlines. Raises OutOfMemory."""
        session = self._session
        with told_if_out_of_memory("the things in a video"), torch.inference_mode():
            for number, place in things.items():
                index = session.obj_id_to_idx(number)
                if isinstance(place, Box):
                    left, top, right, bottom = corners(picture, place, self._side)
                    points = torch.tensor([[[[left, top], [right, bottom]]]], dtype=session.dtype)
                    labels = torch.tensor([[_CORNERS]], dtype=torch.int32)
                    session.add_point_inputs(index, self._at, {"point_coords": points, "point_labels": labels})
                else:
                    session.add_mask_inputs(index, self._at, as_prompt(place, self._side))
            session.obj_with_new_inputs = list(things)
            return {number: pixels for number, pixels in self._seen(picture).items() if number in things}

    def _seen(self, picture: Picture) -> "dict[int, Pixels]":
        answer = self._model(self._session, frame_idx=self._at)
        for outputs in self._session.output_dict_per_obj.values():
            for kind in ("cond_frame_outputs", "non_cond_frame_outputs"):
                # Needed within the step alone; at full size they would fill the device, a few megabytes each.
                outputs[kind].get(self._at, {}).pop("high_res_masks", None)
        in_sight = (answer.object_score_logits.flatten() > 0).tolist()
        masks = masked(answer.pred_masks[:, 0], picture)
        return {
            int(number): pixels
            for number, pixels, is_seen in zip(answer.object_ids, masks, in_sight, strict=True)
            if is_seen and pixels.any()
        }


def load_video_tracker(detector: PhraseDetector, follower: Weights, *, device: str) -> FollowingTracker:
    """Return a video tracker of a detector and the weights of a SAM 2.1, loaded when they are first needed."""
    return FollowingTracker(
        detector, LocalFollower(lambda: _follower(follower, device), follower.name, follower.revision)
    )


def _follower(weights: Weights, device: str) -> Any:
    from transformers import Sam2VideoModel

    return load_model(Sam2VideoModel, weights, device)
