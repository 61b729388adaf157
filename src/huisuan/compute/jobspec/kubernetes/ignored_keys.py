"""Every key of a Kubernetes Job that is not carried over, level by level: what is noted, and what is refused."""

from __future__ import annotations

from pathlib import PurePosixPath

BY_CENTRE = "由中心决定"
CENTRE_PICKS_NODES = "节点由中心的调度器选；要限定型号请用 --models"
FILLED = "由 Kubernetes 填写"
SERVICE = "作业不是服务"
TERMINAL = "作业没有终端；输出用 huisuan job logs 看"
DATA = "数据请先放到一个中心，用 --data-at 说明在哪里；小文件请用 --workdir 上传"

#: keys that have no meaning of their own, or that are read elsewhere
TOP_READ = frozenset({"apiVersion", "kind", "metadata", "spec"})
METADATA_READ = frozenset({"name", "generateName", "labels", "annotations"})
JOB_READ = frozenset(
    {"activeDeadlineSeconds", "backoffLimit", "completionMode", "completions", "parallelism", "template"}
)
POD_READ = frozenset({"containers", "nodeSelector", "restartPolicy", "subdomain", "volumes"})
CONTAINER_READ = frozenset({"args", "command", "env", "image", "name", "resources", "volumeMounts", "workingDir"})

TOP_NOTED = {"status": FILLED}
METADATA_NOTED = {
    "namespace": "命名空间由中心决定",
    **dict.fromkeys(
        (
            "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation",
            "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid",
        ),
        FILLED,
    ),
}  # fmt: skip
JOB_NOTED = {
    "backoffLimitPerIndex": "每个下标各有自己的重试次数：见 backoffLimit",
    "managedBy": BY_CENTRE,
    "manualSelector": FILLED,
    "maxFailedIndexes": "阵列里的作业互不影响",
    "podFailurePolicy": "失败的都按 backoffLimit 重试，不看退出码",
    "podReplacementPolicy": BY_CENTRE,
    "scheduling": BY_CENTRE,
    "selector": FILLED,
    "successPolicy": "阵列里的作业互不影响",
    "suspend": "提交之后就等待调度",
    "ttlSecondsAfterFinished": "作业与输出留在平台上",
}
POD_NOTED = {
    "activeDeadlineSeconds": "时限以 spec.activeDeadlineSeconds 为准",
    "affinity": CENTRE_PICKS_NODES,
    "automountServiceAccountToken": BY_CENTRE,
    "dnsConfig": BY_CENTRE,
    "dnsPolicy": BY_CENTRE,
    "enableServiceLinks": BY_CENTRE,
    "evictionResponders": BY_CENTRE,
    "hostAliases": BY_CENTRE,
    "hostIPC": BY_CENTRE,
    "hostNetwork": BY_CENTRE,
    "hostPID": BY_CENTRE,
    "hostUsers": BY_CENTRE,
    "hostname": BY_CENTRE,
    "hostnameOverride": BY_CENTRE,
    "imagePullSecrets": "镜像须是中心拉得到的；私有镜像请与中心商定",
    "nodeName": CENTRE_PICKS_NODES,
    "os": BY_CENTRE,
    "overhead": BY_CENTRE,
    "preemptionPolicy": "先后由平台的公平份额决定",
    "priority": "先后由平台的公平份额决定",
    "priorityClassName": "先后由平台的公平份额决定",
    "readinessGates": SERVICE,
    "resources": "处理器与内存由中心按卡配给",
    "runtimeClassName": BY_CENTRE,
    "schedulerName": BY_CENTRE,
    "schedulingGates": BY_CENTRE,
    "schedulingGroup": BY_CENTRE,
    "securityContext": BY_CENTRE,
    "serviceAccount": BY_CENTRE,
    "serviceAccountName": BY_CENTRE,
    "setHostnameAsFQDN": BY_CENTRE,
    "shareProcessNamespace": BY_CENTRE,
    "terminationGracePeriodSeconds": "取消和超时时先发 SIGTERM，稍后发 SIGKILL",
    "tolerations": CENTRE_PICKS_NODES,
    "topologySpreadConstraints": CENTRE_PICKS_NODES,
}
POD_REFUSED = {
    "ephemeralContainers": "平台的作业只有一个容器",
    "initContainers": "平台的作业只有一个容器：请把准备工作写进 command 或脚本",
    "resourceClaims": "平台按卡数分配：请写 resources.limits",
}
CONTAINER_NOTED = {
    "imagePullPolicy": BY_CENTRE,
    "lifecycle": "没有启动前后的钩子：请写进 command 或脚本",
    "livenessProbe": SERVICE,
    "ports": "作业不能从外面访问",
    "readinessProbe": SERVICE,
    "resizePolicy": BY_CENTRE,
    "restartPolicy": BY_CENTRE,
    "restartPolicyRules": BY_CENTRE,
    "securityContext": BY_CENTRE,
    "startupProbe": SERVICE,
    "stdin": TERMINAL,
    "stdinOnce": TERMINAL,
    "terminationMessagePath": TERMINAL,
    "terminationMessagePolicy": TERMINAL,
    "tty": TERMINAL,
}
CONTAINER_REFUSED = {
    "envFrom": "平台读不到集群里的 ConfigMap 与 Secret：请把需要的变量逐个写成 env，或用 --env 名=值",
    "volumeDevices": f"平台不挂载块设备：{DATA}",
}

VOLCANO_READ = frozenset({"activeDeadlineSeconds", "maxRetry", "tasks"})
VOLCANO_NOTED = {
    "minAvailable": "所有节点同时开始",
    "minSuccess": "所有节点都完成才算完成",
    "networkTopology": CENTRE_PICKS_NODES,
    "plugins": "VC_TASK_INDEX 由平台设好；节点之间请用 $HUISUAN_HEAD，不用 svc 与 ssh 插件的主机名",
    "policies": "一个节点失败则整个作业失败；要再试请用 --retries",
    "priorityClassName": "先后由平台的公平份额决定",
    "queue": "队列由中心决定；先后由平台的公平份额决定",
    "runningEstimate": "时限以 activeDeadlineSeconds 为准",
    "schedulerName": BY_CENTRE,
    "ttlSecondsAfterFinished": "作业与输出留在平台上",
}
VOLCANO_REFUSED = {"volumes": f"平台不挂载集群里的卷：{DATA}"}
VOLCANO_TASK_READ = frozenset({"name", "replicas", "template"})
VOLCANO_TASK_NOTED = {
    "dependsOn": "所有节点同时开始",
    "maxRetry": "重试次数以 spec.maxRetry 为准",
    "minAvailable": "所有节点同时开始",
    "partitionPolicy": CENTRE_PICKS_NODES,
    "policies": VOLCANO_NOTED["policies"],
    "topologyPolicy": CENTRE_PICKS_NODES,
}
PYTORCH_READ = frozenset({"nprocPerNode", "pytorchReplicaSpecs", "runPolicy"})
PYTORCH_NOTED = {"elasticPolicy": "平台的节点数固定，不伸缩"}
PYTORCH_ROLE_READ = frozenset({"replicas", "restartPolicy", "template"})
RUN_POLICY_READ = frozenset({"activeDeadlineSeconds", "backoffLimit"})
RUN_POLICY_NOTED = {
    "cleanPodPolicy": BY_CENTRE,
    "managedBy": BY_CENTRE,
    "schedulingPolicy": "所有节点同时开始；队列由中心决定",
    "suspend": "提交之后就等待调度",
    "ttlSecondsAfterFinished": "作业与输出留在平台上",
}

VENDORS = {
    "nvidia.com": "NVIDIA",
    "huawei.com": "Huawei",
    "cambricon.com": "Cambricon",
    "hygon.com": "Hygon",
    "kunlunxin.com": "Kunlunxin",
    "baidu.com": "Kunlunxin",
    "mthreads.com": "Moore-Threads",
    "metax-tech.com": "MetaX",
    "enflame.com": "Enflame",
}
#: what Huawei's device plugin calls its nodes (label accelerator-type), longest first; A3 servers carry 910C
ASCEND_TYPES = {
    "module-910b": "Ascend-910B",
    "card-910b": "Ascend-910B",
    "module-a3": "Ascend-910C",
    "module": "Ascend-910A",
    "half": "Ascend-910A",
}
#: devices beside the cards that a centre gives with them: fast networks, huge pages
NOT_CARDS = {
    "rdma": "高速网络随卡，由中心配给",
    "vpc.amazonaws.com": "高速网络随卡，由中心配给",
    "mellanox.com": "高速网络随卡，由中心配给",
    "openshift.io": "高速网络随卡，由中心配给",
    "networking.gke.io": "高速网络随卡，由中心配给",
    "github.com": "由中心决定（如 /dev/fuse）",
    "smarter-devices": "由中心决定",
    "devices.kubevirt.io": "由中心决定",
}
SHARED_MEMORY = PurePosixPath("/dev") / "shm"
#: paths of a node that its driver lives at; mounting them is the centre's business, and brings no data along
DRIVER_PATHS = tuple(
    map(
        PurePosixPath,
        (
            "/dev", "/sys", "/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/usr/lib/x86_64-linux-gnu",
            "/usr/local/Ascend", "/usr/local/dcmi", "/usr/local/bin/npu-smi", "/usr/local/sbin/npu-smi",
            "/etc/ascend_install.info", "/etc/hccn.conf", "/var/log/npu",
            "/usr/local/nvidia", "/usr/local/cuda", "/usr/bin/nvidia-smi",
            "/usr/local/hyhal", "/opt/hyhal", "/opt/dtk", "/usr/local/neuware", "/usr/bin/cnmon", "/usr/local/musa",
            "/opt/maca", "/opt/mxdriver",
        ),
    )
)  # fmt: skip
#: names of a device that say no more than that it is one
ANY_CARD = frozenset({"gpu", "npu", "mlu", "dcu", "xpu", "gcu", "card"})
