#!/usr/bin/env python3
"""Makes the JPEGs beside it. Needs Pillow, cjpeg of libjpeg-turbo, ffmpeg. See README.md."""

import pathlib
import subprocess

from PIL import Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 71, 53


def wave(t, period):
    """The triangle wave of tests/jpeg/scene.rs."""
    k = t % (2 * period)
    return (k if k < period else 2 * period - k) * 255 // period


scene = Image.new("RGB", (WIDTH, HEIGHT))
for y in range(HEIGHT):
    for x in range(WIDTH):
        scene.putpixel((x, y), (wave(x + y // 2, 40), wave(y, 56), wave(x + y, 90)))
ppm = f"P6\n{WIDTH} {HEIGHT}\n255\n".encode() + scene.tobytes()


def cjpeg(name, *options):
    command = ["cjpeg", "-quality", "90", *options]
    (HERE / name).write_bytes(subprocess.run(command, input=ppm, stdout=subprocess.PIPE, check=True).stdout)


def ffmpeg(name, *options):
    command = ["ffmpeg", "-v", "error", "-f", "ppm_pipe", "-i", "-", "-bitexact", *options, "-frames:v", "1", "-f", "image2pipe", "-"]
    (HERE / name).write_bytes(subprocess.run(command, input=ppm, stdout=subprocess.PIPE, check=True).stdout)


cjpeg("rgb.jpg", "-rgb")
cjpeg("arithmetic.jpg", "-arithmetic")
cjpeg("luma_smaller_than_chroma.jpg", "-sample", "1x1,2x2,2x2")
cjpeg("mixed_sampling.jpg", "-sample", "2x2,1x2,2x1")
cjpeg("grey_2x2.jpg", "-grayscale", "-sample", "2x2")
cjpeg("progressive_420_restart.jpg", "-progressive", "-sample", "2x2", "-restart", "2")
scans = HERE / "scans.txt"
scans.write_text("0;\n1;\n2;\n")
cjpeg("three_scans_422.jpg", "-sample", "2x1", "-scans", str(scans))
scans.unlink()
ffmpeg("ffmpeg_422.jpg", "-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-q:v", "2", "-huffman", "default")
ffmpeg("lossless.jpg", "-c:v", "ljpeg", "-pix_fmt", "bgr24")
scene.convert("CMYK").save(HERE / "cmyk.jpg", quality=90)
