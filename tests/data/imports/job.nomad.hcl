# A web shop in two datacenters.
variable "count" {
  type    = number
  default = 9
}

job "shop" {
  datacenters = ["dc1", "dc2"]
  type        = "service"

  update {
    max_parallel     = 3
    min_healthy_time = "20s"
    healthy_deadline = "4m"
    stagger          = "30s"
  }

  group "web" {
    count          = var.count
    shutdown_delay = "8s"

    update {
      canary            = 2
      auto_promote      = true
      auto_revert       = true
      progress_deadline = "0s"
    }

    migrate { max_parallel = 1 }

    restart {
      attempts = 3
      delay    = "7s"
      interval = "10m"
      mode     = "delay"
    }

    reschedule {
      delay          = "15s"
      delay_function = "fibonacci"
      max_delay      = "5m"
      unlimited      = true
    }

    network {
      port "http" { to = 8080 }
    }

    service {
      name = "shop-web"
      port = "http"
      check {
        type     = "http"
        path     = "/health"
        interval = "5s"
        timeout  = "2s"
        check_restart {
          limit = 4
          grace = "45s"
        }
      }
      check {
        type     = "tcp"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "server" {
      driver       = "docker"
      kill_timeout = "25s"
      config {
        image = "example/shop:${NOMAD_META_TAG}"
      }
      template {
        destination = "local/env"
        data        = <<EOF
{{ range service "db" }}DB={{ .Address }}{{ end }}
EOF
      }
      resources {
        cpu = 500
      }
    }
  }
}
