# In the guest, as a service under systemd: a device from its package to its purge.
SAYS=${SAYS:-/dev/ttyS0}
say() { echo "LAB $*" >>"$SAYS"; }
ok() { say "$1 ok ${*:2}"; }
# A step that failed says so, shows what the journal knows, and the story goes on: the next may tell why.
fail() { say "$1 FAILED ${*:2}"; journalctl --no-pager --lines=25 --output=cat --unit=ostiaryd --unit=ostiaryd-claim 2>/dev/null | cut -c1-240 >>"$SAYS"; }
now() { date +%s; }
# figure NAME: of the running daemon.
figure() { ostiaryd status --json 2>/dev/null | tr ',{' '\n\n' | sed -n "s/^\"$1\"://p" | tr -d '}' | cut -d. -f1; }
# until SECONDS COMMAND...: waits for it, and says how long that took.
until_is() { limit=$1; shift; begun=$(now); while ! "$@" >/dev/null 2>&1; do [ $(($(now) - begun)) -ge "$limit" ] && return 1; sleep 1; done; TOOK=$(($(now) - begun)); }
above() { [ "$(figure "$1" || echo 0)" -gt "$2" ] 2>/dev/null; }

cd /; mkdir -p /run/lab; exec 2>&1
if [ "$CAMERA" = v4l2 ]; then
    modprobe virtio_net; until_is 20 test -e /sys/class/net/eth0
    ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
fi

# ---- install
if dpkg --install /mnt/lab/ostiary-pack-default_*.deb /mnt/lab/ostiaryd_*lab1_*.deb >/run/lab/dpkg 2>&1 && id ostiaryd >/dev/null; then
    ok install "$(systemctl is-active ostiaryd-claim) claim, $(id -Gn ostiaryd)"
else fail install "$(tail -n 3 /run/lab/dpkg)"; fi
[ -f /usr/share/man/man1/ostiaryd.1.gz ] && ok manual || fail manual

# ---- a camera
if [ "$CAMERA" = v4l2 ]; then
modprobe v4l2loopback devices=1 video_nr=0 exclusive_caps=1 card_label=door || fail camera "no v4l2loopback"
ffmpeg -loglevel error -re -stream_loop -1 -f mjpeg -framerate 3 -i /mnt/lab/clip.mjpeg -pix_fmt yuyv422 -f v4l2 /dev/video0 </dev/null &
FFMPEG=$!
until_is 30 sh -c 'ostiaryd probe-camera | grep -q Yuyv'; chgrp video /dev/video0; chmod 660 /dev/video0
else
    sed -i -e 's/^source = "v4l2"/source = "replay"/' -e 's#^path = ""#path = "/mnt/lab/clip.mjpeg"#' -e 's/^loop = false/loop = true/' /etc/ostiary/ostiaryd.toml
fi
sed -i -e 's/^fps = 15$/fps = 3/' -e 's/^interval_s = 60/interval_s = 5/' -e 's/^send_crops = true/send_crops = false/' /etc/ostiary/ostiaryd.toml
mkdir -p /etc/systemd/system/ostiaryd.service.d; printf '[Service]\nWatchdogSec=20s\n' >/etc/systemd/system/ostiaryd.service.d/lab.conf; systemctl daemon-reload

# ---- claim, by a file on the boot partition
mkdir -p /boot/firmware; printf 'server = "%s"\ncode = "%s"\nca_sha256 = "%s"\n' "$SERVER" "$CODE" "$CA" >/boot/firmware/ostiary-claim.toml
if until_is 120 systemctl is-active ostiaryd; then ok claim "${TOOK} s"; else fail claim; fi
until_is 10 test ! -e /boot/firmware/ostiary-claim.toml && ok "claim-file" removed || fail claim-file "still there"
if until_is 90 above ostiary_mqtt_connected 0; then ok connected "${TOOK} s"; else fail connected; fi

# ---- hardened, and the camera works
for unit in ostiaryd ostiaryd-claim; do
    level=$(systemd-analyze security --no-pager $unit.service | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
    if awk "BEGIN { exit !($level <= 2.0) }"; then ok security "$unit $level"; else fail security "$unit $level"; fi
done
if until_is 60 above ostiary_frames_total 3; then ok frames "$(ostiaryd status | grep camera)"; else fail frames; fi

# ---- a visit, decided here and committed at the server
visits() { [ $(($(figure ostiary_visits_match_total) + $(figure ostiary_visits_unknown_total) + $(figure ostiary_visits_unusable_total) + $(figure ostiary_visits_spoof_suspected_total))) -gt 0 ] && [ "$(figure ostiary_outbox_events)" = 0 ]; }
if until_is 420 visits; then
    ok visit "${TOOK} s, $(figure ostiary_visits_unknown_total) unknown, $(figure ostiary_visits_unusable_total) unusable, $(figure ostiary_events_acked_total) events committed"
else fail visit "$(ostiaryd status)"; fi

# ---- the camera's driver stands still
if [ "$CAMERA" = v4l2 ]; then
before=$(figure ostiary_camera_lost_total)
kill -STOP $FFMPEG
if until_is 30 above ostiary_camera_lost_total "$before"; then
    frames=$(figure ostiary_frames_total); kill -CONT $FFMPEG
    if until_is 30 above ostiary_frames_total "$frames" && [ "$TOOK" -le 6 ]; then ok stalled "frames again after ${TOOK} s"; else fail stalled "$TOOK s"; fi
else kill -CONT $FFMPEG; fail stalled "was not noticed"; fi
fi

# ---- the program is frozen: the watchdog
main() { systemctl show --property=MainPID --value ostiaryd; }
restarts() { systemctl show --property=NRestarts --value ostiaryd; }
more_restarts() { [ "$(restarts)" -gt "$1" ]; }
had=$(restarts); kill -STOP "$(main)"
if until_is 90 more_restarts "$had" && until_is 60 systemctl is-active ostiaryd && until_is 60 above ostiary_frames_total 0; then
    ok watchdog "restarted; before: $(ostiaryd status | sed -n 's/.*before: //p')"
else fail watchdog; fi

# ---- no model: reachable all the same
mv /usr/share/ostiary/packs/ostiary-default /usr/share/ostiary/packs/away; systemctl restart ostiaryd
if until_is 60 above ostiary_safe_mode 0 && until_is 60 above ostiary_mqtt_connected 0; then ok safe-mode "$(ostiaryd status | grep SAFE | cut -c1-90)"; else fail safe-mode; fi
mv /usr/share/ostiary/packs/away /usr/share/ostiary/packs/ostiary-default; systemctl restart ostiaryd; until_is 60 above ostiary_frames_total 0
runuser -u ostiaryd -- ostiaryd --config /etc/ostiary/ostiaryd.toml doctor --offline >/run/lab/doctor 2>&1; ok doctor "$(grep -c ^ok /run/lab/doctor) ok, $(grep -cE '^(warn|fail)' /run/lab/doctor) other: $(grep -E '^(warn|fail)' /run/lab/doctor | tr '\n' ';' | cut -c1-160)"

# ---- upgrade, remove, purge
device() { ostiaryd status --json | tr ',' '\n' | sed -n 's/.*"device":"\([^"]*\)".*/\1/p'; }
id=$(device)
if dpkg --install /mnt/lab/ostiaryd_*lab2_*.deb >/run/lab/dpkg 2>&1 && until_is 90 above ostiary_mqtt_connected 0 && [ "$(device)" = "$id" ] && grep -q '^fps = 3$' /etc/ostiary/ostiaryd.toml; then ok upgrade "state and settings kept"; else fail upgrade "$(tail -n 2 /run/lab/dpkg)"; fi
if dpkg --remove ostiaryd >/run/lab/dpkg 2>&1 && [ ! -e /usr/bin/ostiaryd ] && [ -d /var/lib/ostiaryd/identity ]; then ok remove "state kept"; else fail remove "$(tail -n 2 /run/lab/dpkg)"; fi
if dpkg --purge ostiaryd >/run/lab/dpkg 2>&1 && [ ! -e /var/lib/ostiaryd ] && [ ! -e /etc/ostiary/ostiaryd.toml ]; then ok purge; else fail purge "$(tail -n 2 /run/lab/dpkg)"; fi
[ -z "${FFMPEG:-}" ] || kill $FFMPEG
# ---- the server's unit
if dpkg --install /mnt/lab/ostiary-server_*.deb >/run/lab/dpkg 2>&1 && systemctl start ostiary-server && systemctl is-active --quiet ostiary-server; then
    level=$(systemd-analyze security --no-pager ostiary-server.service | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
    if awk "BEGIN { exit !($level <= 2.0) }"; then ok server "runs, security $level"; else fail server "security $level"; fi
else fail server "$(tail -n 2 /run/lab/dpkg; journalctl --no-pager --lines=5 --output=cat --unit=ostiary-server)"; fi
