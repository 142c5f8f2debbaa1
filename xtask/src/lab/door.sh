# In the guest, as a service under systemd: a device from its package to its purge. Told beforehand are CAMERA (replay or
# v4l2), SERVER, CODE, CA of the claim, and LOGIN and PASSWORD of an account at the server.
SAYS=${SAYS:-/dev/ttyS0}
say() { echo "LAB $*" >>"$SAYS"; }
ok() { say "$1 ok ${*:2}"; }
# A step that failed says so, shows what the journal knows, and the story goes on: the next may tell why.
fail() { say "$1 FAILED ${*:2}"; journalctl --no-pager --lines=25 --output=cat --unit=ostiaryd --unit=ostiaryd-claim 2>/dev/null | cut -c1-240 >>"$SAYS"; }
now() { date +%s; }
# Every figure of the running daemon, one a line: NAME VALUE.
figures() { ostiaryd status --json 2>/dev/null | tr ',{}' '\n\n\n' | sed -n 's/^"\([a-z_]*\)":\([0-9.]*\).*/\1 \2/p'; }
figure() { figures | awk -v name="$1" '$1 == name { printf "%d", $2 }'; }
above() { figures | awk -v name="$1" -v least="$2" '$1 == name && $2 > least { found = 1 } END { exit !found }'; }
# Where everything is emulated, beside other work, patience is longer; what is claimed to be quick is measured, not waited for.
SLOW=1; [ "$CAMERA" != v4l2 ] || SLOW=4
# until_is SECONDS COMMAND...: waits for it, and says how long that took.
until_is() { limit=$(($1 * SLOW)); shift; begun=$(now); while ! "$@" >/dev/null 2>&1; do TOOK=$(($(now) - begun)); [ "$TOOK" -ge "$limit" ] && return 1; sleep 1; done; TOOK=$(($(now) - begun)); }
level() { systemd-analyze security --no-pager "$1.service" | sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p'; }
hardened() { awk -v level="$(level "$1")" 'BEGIN { exit !(level != "" && level <= 2.0) }'; }
ask() { curl --silent --insecure --fail --max-time 30 --header 'content-type: application/json' "$@"; }
log_in() { TOKEN=$(ask "$SERVER/api/v1/auth/login" --data "{\"login\":\"$LOGIN\",\"password\":\"$PASSWORD\"}" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'); [ -n "$TOKEN" ]; }
device() { ostiaryd status --json | tr ',' '\n' | sed -n 's/.*"device":"\([^"]*\)".*/\1/p'; }
main() { systemctl show --property=MainPID --value ostiaryd; }
restarts() { systemctl show --property=NRestarts --value ostiaryd; }
more_restarts() { [ "$(restarts)" -gt "$1" ]; }
sees() { above ostiary_frames_total 0; }
connected() { above ostiary_mqtt_connected 0; }

cd /; mkdir -p /run/lab; exec 2>&1
# Manuals are not read here, and sorting them takes the emulated machine a minute.
rm -f /var/lib/man-db/auto-update
if [ "$CAMERA" = v4l2 ]; then
    modprobe virtio_net; until_is 20 test -e /sys/class/net/eth0
    ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2
fi

# ---- install
if dpkg --install /mnt/lab/ostiary-pack-default_*.deb /mnt/lab/ostiaryd_*lab1_*.deb >/run/lab/dpkg 2>&1 && id ostiaryd >/dev/null; then
    ok install "$(systemctl is-active ostiaryd-claim) claim, $(id -Gn ostiaryd)"
else fail install "$(tail -n 3 /run/lab/dpkg)"; fi
[ -f /usr/share/man/man1/ostiaryd.1.gz ] && ok manual || fail manual

# ---- the key of what is stored, as a credential
mkdir -p /etc/credstore.encrypted
if head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' | systemd-creds encrypt --with-key=host --name=ostiaryd.key - /etc/credstore.encrypted/ostiaryd.key >/run/lab/creds 2>&1; then ok credential made
else fail credential "$(tail -n 1 /run/lab/creds)"; fi

# ---- a camera
# Raw frames, made on the host: decoding them here takes what the daemon needs.
feed() { ffmpeg -loglevel error -re -stream_loop -1 -f rawvideo -pixel_format yuyv422 -video_size 640x480 -framerate 3 -i /mnt/lab/clip.yuyv -c copy -f v4l2 /dev/video0 </dev/null & FFMPEG=$!; }
# Whether somebody shows something to the camera.
fed() { [ -n "$(cat /sys/devices/virtual/video4linux/video0/format 2>/dev/null)" ]; }
plug() {
    modprobe v4l2loopback devices=1 video_nr=0 exclusive_caps=1 card_label=door || fail camera "no v4l2loopback"
    until_is 10 test -c /dev/video0; chgrp video /dev/video0; chmod 660 /dev/video0; feed
}
if [ "$CAMERA" = v4l2 ]; then
    plug; until_is 30 sh -c 'ostiaryd probe-camera | grep -q Yuyv'
else
    mkdir -p /run/door; cp /mnt/lab/clip.mjpeg /run/door/clip.mjpeg
    sed -i -e 's/^source = "v4l2"/source = "replay"/' -e 's#^path = ""#path = "/run/door/clip.mjpeg"#' -e 's/^loop = false/loop = true/' /etc/ostiary/ostiaryd.toml
fi
sed -i -e 's/^fps = 15$/fps = 3/' -e 's/^interval_s = 60/interval_s = 5/' -e 's/^send_crops = true/send_crops = false/' /etc/ostiary/ostiaryd.toml
mkdir -p /etc/systemd/system/ostiaryd.service.d; printf '[Service]\nWatchdogSec=%ss\n' $((20 * SLOW)) >/etc/systemd/system/ostiaryd.service.d/lab.conf; systemctl daemon-reload

# ---- claim, by a file on the boot partition
mkdir -p /boot/firmware; printf 'server = "%s"\ncode = "%s"\nca_sha256 = "%s"\n' "$SERVER" "$CODE" "$CA" >/boot/firmware/ostiary-claim.toml
if until_is 120 systemctl is-active ostiaryd; then ok claim "${TOOK} s"; else fail claim; fi
until_is 10 test ! -e /boot/firmware/ostiary-claim.toml && ok claim-file removed || fail claim-file "still there"
if until_is 90 connected; then ok connected "${TOOK} s"; else fail connected; fi
if [ -d /var/lib/ostiaryd/cache ] && [ ! -e /var/lib/ostiaryd/cache.key ]; then ok sealed "with the credential, no key beside the cache"; else fail sealed "$(ls /var/lib/ostiaryd)"; fi

# ---- hardened, and the camera works
for unit in ostiaryd ostiaryd-claim; do hardened $unit && ok security "$unit $(level $unit)" || fail security "$unit $(level $unit)"; done
if until_is 60 above ostiary_frames_total 3; then ok frames "$(ostiaryd status | grep camera)"; else fail frames; fi

# ---- a visit, decided here and committed at the server
visits() { figures | awk '/^ostiary_visits_(match|unknown|unusable|spoof_suspected)_total/ { visits += $2 } /^ostiary_outbox_events / { waiting = $2 } END { exit !(visits > 0 && waiting == 0) }'; }
if until_is 420 visits; then
    ok visit "decided after ${TOOK} s, $(figure ostiary_events_acked_total) events committed"
    log_in && until_is 30 sh -c "curl --silent --insecure --fail --header 'authorization: Bearer $TOKEN' '$SERVER/api/v1/events?kind=match,unknown,unusable,spoof_suspected' | grep -q '\"door\"'" && ok committed "the server lists it" || fail committed "$(ask --header "authorization: Bearer $TOKEN" "$SERVER/api/v1/events" | cut -c1-200)"
else fail visit "$(ostiaryd status)"; fi

# ---- the camera goes and comes again
lost=$(figure ostiary_camera_lost_total)
# How soon frames come again is told by the device's own log: asking it takes seconds itself where everything is emulated.
stamp() { date +%s.%N; }
told() { journalctl --no-pager --quiet --output=short-unix --unit=ostiaryd --since="@${SINCE%.*}" | awk -v since="$SINCE" '/gives frames again/ && $1 >= since { print $1; exit }' | grep .; }
again() { SINCE=$1; until_is 60 told || return 1; OUTAGE=$(awk -v begun="$2" -v ended="$(told)" 'BEGIN { printf "%.1f", (ended > begun ? ended - begun : 0) }'); }
soon() { awk -v outage="$OUTAGE" 'BEGIN { exit !(outage <= 5) }'; }
if [ "$CAMERA" = v4l2 ]; then
    kill -STOP $FFMPEG
    if until_is 30 above ostiary_camera_lost_total "$lost"; then
        noticed=$TOOK; begun=$(stamp); kill -CONT $FFMPEG
        if again "$begun" "$begun" && soon; then ok stalled "noticed after $noticed s, frames $OUTAGE s after its end"; else fail stalled "$OUTAGE s"; fi
    else kill -CONT $FFMPEG; fail stalled "was not noticed"; fi
    lost=$(figure ostiary_camera_lost_total); kill $FFMPEG
    if until_is 30 above ostiary_camera_lost_total "$lost" && until_is 30 modprobe --remove v4l2loopback && [ ! -e /dev/video0 ]; then
        connected && ok unplugged "reachable without a camera" || fail unplugged "not reachable"
        pulled=$(stamp); plug
        # It is there once it is fed, and ffmpeg takes its time.
        until_is 60 fed; begun=$(stamp)
        if again "$pulled" "$begun" && soon; then ok replugged "frames $OUTAGE s after it was there"; else fail replugged "$OUTAGE s"; fi
    else fail unplugged "was not noticed"; plug; fi
else
    mv /run/door/clip.mjpeg /run/door/away; systemctl restart ostiaryd
    if until_is 30 above ostiary_camera_lost_total 0 && until_is 60 connected; then
        ok no-camera "reachable, $(figure ostiary_camera_lost_total) loss told"; begun=$(stamp); mv /run/door/away /run/door/clip.mjpeg
        if again "$begun" "$begun" && soon; then ok camera-back "frames after $OUTAGE s"; else fail camera-back "$OUTAGE s"; fi
    else fail no-camera; mv /run/door/away /run/door/clip.mjpeg; fi
fi

# ---- one thread is frozen, as by a driver that never answers: the watchdog
had=$(restarts); /usr/bin/python3 /mnt/lab/freeze.py "$(main)" capture >/run/lab/freeze 2>&1 & FREEZE=$!
if until_is 150 more_restarts "$had"; then
    frozen=$TOOK; kill $FREEZE 2>/dev/null
    if until_is 60 systemctl is-active ostiaryd && until_is 60 sees; then ok watchdog "a frozen capture thread: restarted after $frozen s; before: $(ostiaryd status | sed -n 's/.*before: //p')"; else fail watchdog "no frames again"; fi
else kill $FREEZE 2>/dev/null; fail watchdog "not restarted: $(cat /run/lab/freeze)"; fi
had=$(restarts); kill -STOP "$(main)"
if until_is 90 more_restarts "$had" && until_is 60 systemctl is-active ostiaryd && until_is 60 sees; then ok watchdog "a frozen program: restarted"; else fail watchdog "a frozen program"; fi

# ---- a root that cannot be written
# The journal must not lie there either.
mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/lab.conf; systemctl restart systemd-journald
systemctl stop ostiaryd
{ mount --bind /var/lib/ostiaryd /var/lib/ostiaryd && mount -t tmpfs tmp /tmp && mount -t tmpfs tmp /var/tmp && until_is 15 mount -o remount,bind,ro /; } >/run/lab/root 2>&1
if touch /etc/probe 2>/dev/null; then fail read-only-root "it can be written: $(cat /run/lab/root) $(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -o ' /[uevhrl][^ ]*$' | grep -v '^ /dev' | sort | uniq -c | tail -n 5 | tr '\n' ';')"
elif systemctl start ostiaryd && until_is 60 sees && until_is 60 connected; then ok read-only-root "runs, connected"; else fail read-only-root "does not run"; fi
mount -o remount,bind,rw /; systemctl stop ostiaryd; umount /var/tmp /tmp /var/lib/ostiaryd || umount --lazy /var/lib/ostiaryd; rm -f /etc/probe

# ---- no model: reachable all the same, for commands too
mv /usr/share/ostiary/packs/ostiary-default /usr/share/ostiary/packs/away; systemctl restart ostiaryd
if until_is 60 above ostiary_safe_mode 0 && until_is 60 connected; then ok safe-mode "$(ostiaryd status | grep SAFE | cut -c1-90)"; else fail safe-mode; fi
heard() { journalctl --no-pager --lines=200 --output=cat --unit=ostiaryd | grep -q "identify"; }
if log_in && ask --header "authorization: Bearer $TOKEN" "$SERVER/api/v1/devices/$(device)/commands" --data '{"kind":"identify"}' >/run/lab/command 2>&1 && until_is 30 heard; then ok command "heard in safe mode"; else fail command "$(cat /run/lab/command)"; fi
mv /usr/share/ostiary/packs/away /usr/share/ostiary/packs/ostiary-default; systemctl restart ostiaryd; until_is 60 sees
runuser -u ostiaryd -- ostiaryd --config /etc/ostiary/ostiaryd.toml doctor --offline >/run/lab/doctor 2>&1
if grep -q '^fail' /run/lab/doctor; then fail doctor "$(grep '^fail' /run/lab/doctor | head -n 3 | tr '\n' ';')"; else ok doctor "$(grep -c ^ok /run/lab/doctor) ok, $(grep -c '^warn' /run/lab/doctor) warned of: $(grep '^warn' /run/lab/doctor | cut -c1-60)"; fi
[ ! -e /var/lib/ostiaryd/cache.key ] && ok doctor-key "none was made by looking" || fail doctor-key

# ---- upgrade, remove, purge
id=$(device)
if dpkg --install /mnt/lab/ostiaryd_*lab2_*.deb >/run/lab/dpkg 2>&1 && until_is 90 connected && [ "$(device)" = "$id" ] && grep -q '^fps = 3$' /etc/ostiary/ostiaryd.toml; then ok upgrade "state and settings kept"; else fail upgrade "$(tail -n 2 /run/lab/dpkg)"; fi
if dpkg --remove ostiaryd >/run/lab/dpkg 2>&1 && [ ! -e /usr/bin/ostiaryd ] && [ -d /var/lib/ostiaryd/identity ]; then ok remove "state kept"; else fail remove "$(tail -n 2 /run/lab/dpkg)"; fi
if dpkg --purge ostiaryd >/run/lab/dpkg 2>&1 && [ ! -e /var/lib/ostiaryd ] && [ ! -e /etc/ostiary/ostiaryd.toml ]; then ok purge; else fail purge "$(tail -n 2 /run/lab/dpkg)"; fi
[ -z "${FFMPEG:-}" ] || kill $FFMPEG
# ---- the server's unit
if dpkg --install /mnt/lab/ostiary-server_*.deb >/run/lab/dpkg 2>&1 && systemctl start ostiary-server && systemctl is-active --quiet ostiary-server; then
    if hardened ostiary-server; then ok server "runs, security $(level ostiary-server)"; else fail server "security $(level ostiary-server)"; fi
    [ -f /usr/share/man/man1/ostiary-server.1.gz ] && ok server-manual || fail server-manual
else fail server "$(tail -n 2 /run/lab/dpkg; journalctl --no-pager --lines=5 --output=cat --unit=ostiary-server)"; fi
if dpkg --purge ostiary-server >/run/lab/dpkg 2>&1 && [ ! -e /var/lib/ostiary-server ]; then ok server-purge; else fail server-purge "$(tail -n 2 /run/lab/dpkg)"; fi
