"""OpenCV's way of the same: VideoCapture and resize, one thread, seconds of a processor. One line of JSON."""
import json
import resource
import sys

import cv2
import numpy

WIDTH, HEIGHT, ROUNDS = 640, 480, int(sys.argv[3])
INPUT = tuple(map(int, sys.argv[2].split("x")))


def used():
    """Seconds of user and system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def captured(path):
    """Milliseconds a frame by VideoCapture and resize."""
    frames, before = 0, used()
    for _ in range(ROUNDS):
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        assert capture.isOpened(), path
        while True:
            there, frame = capture.read()
            if not there:
                break
            cv2.resize(frame, INPUT, interpolation=cv2.INTER_LINEAR)
            frames += 1
    return (used() - before) * 1e3 / frames


def by_hand(path):
    """The same of raw YUYV by OpenCV's own conversion, as its V4L2 capture does it."""
    frames, before = 0, used()
    for _ in range(ROUNDS):
        with open(path, "rb", buffering=0) as file:
            while True:
                data = file.read(WIDTH * HEIGHT * 2)
                if len(data) < WIDTH * HEIGHT * 2:
                    break
                picture = numpy.frombuffer(data, numpy.uint8).reshape(HEIGHT, WIDTH, 2)
                frame = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_YUYV)
                cv2.resize(frame, INPUT, interpolation=cv2.INTER_LINEAR)
                frames += 1
    return (used() - before) * 1e3 / frames


cv2.setNumThreads(1)
FOLDER = sys.argv[1]
print(json.dumps({
    "version": cv2.__version__,
    "mjpg_ms": captured(f"{FOLDER}/mjpg.avi"),
    "yuyv_ms": captured(f"{FOLDER}/yuyv.avi"),
    "yuyv_by_hand_ms": by_hand(f"{FOLDER}/frames.yuyv"),
}))
