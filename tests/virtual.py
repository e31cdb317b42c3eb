"""A real microphone without a sound card: PulseAudio's, fed by what is played to its loudspeaker.

PortAudio reaches it through ALSA as it does any other, and it can be pulled out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from ctypes.util import find_library
from pathlib import Path

__all__ = ["NAME", "VirtualMicrophone", "missing"]

NAME = "simulst_mic"
SPEAKER = "simulst_spk"
PLUGIN = "libasound_module_pcm_pulse.so"
START_S = 10

SINK = ("module-null-sink", f"sink_name={SPEAKER}", "rate=16000", "channels=1")
SOURCE = ("module-remap-source", f"master={SPEAKER}.monitor", f"source_name={NAME}")
SERVER = f"""\
load-module module-native-protocol-unix
load-module {" ".join(SINK)}
load-module {" ".join(SOURCE)}
set-default-sink {SPEAKER}
set-default-source {NAME}
"""
ALSA = f"""\
</usr/share/alsa/alsa.conf>
pcm.!default {{
    type pulse
}}
ctl.!default {{
    type pulse
}}
pcm.{NAME} {{
    type pulse
    device {NAME}
}}
"""


def missing() -> str:
    """Why there can be none on this machine; empty if there can."""
    programs = [name for name in ("pulseaudio", "pactl", "paplay") if shutil.which(name) is None]
    if programs:
        return f"no {', '.join(programs)} (Debian: pulseaudio, pulseaudio-utils)"
    places = (*Path("/usr").glob("lib*/alsa-lib"), *Path("/usr").glob("lib*/*/alsa-lib"))
    if not any((place / PLUGIN).exists() for place in places):
        return f"no {PLUGIN} (Debian: libasound2-plugins)"
    if find_library("portaudio") is None:
        return "no PortAudio (Debian: libportaudio2)"
    return ""


class VirtualMicrophone:
    """A sound server of its own, in a folder of its own.

    Args:
        folder: empty; a socket goes into it, whose path must be short.

    Attributes:
        environment: for the processes that are to use it.

    Raises:
        OSError: the server does not come up, with what it said.
    """

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o700)
        (folder / "server.pa").write_text(SERVER)
        (folder / "asound.conf").write_text(ALSA)
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_SERVER": f"unix:{folder}/native",
            "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        }
        words = ["pulseaudio", "-n", "-F", str(folder / "server.pa"), "--daemonize=no"]
        words += ["--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit"]
        self._log = (folder / "server.log").open("w")
        self._server = subprocess.Popen(
            words, env=self.environment, stdout=self._log, stderr=self._log
        )
        end_s = time.monotonic() + START_S
        while NAME not in self._ask("list", "short", "sources", check=False):
            if self._server.poll() is not None or time.monotonic() > end_s:
                self.close()
                log = (folder / "server.log").read_text()
                raise OSError(f"no sound server came up: {log}")
            time.sleep(0.05)

    def _ask(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["pactl", *words],
            env=self.environment,
            text=True,
            capture_output=True,
            check=check,
            timeout=10,
        )
        return done.stdout

    def play(self, path: Path) -> None:
        """Speak a sound file into it; returns when it has been spoken."""
        words = ["paplay", f"--device={SPEAKER}", str(path)]
        subprocess.run(words, env=self.environment, check=True, timeout=60)

    def unplug(self) -> None:
        """Pull it out: whoever captures is cut off."""
        modules = [line.split() for line in self._ask("list", "short", "modules").splitlines()]
        for number, name, *_ in reversed(modules):
            if name in (SINK[0], SOURCE[0]):
                self._ask("unload-module", number)

    def plug(self) -> None:
        """Put it in again."""
        for module in (SINK, SOURCE):
            self._ask("load-module", *module)

    def close(self) -> None:
        """Switch the sound server off."""
        self._server.terminate()
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait(10)
        self._log.close()
