"""Training runs on mmengine's Runner: configs, hooks, resume, export."""

from landcover import quiet_mmseg as quiet_mmseg
